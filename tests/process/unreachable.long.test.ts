import { once } from "node:events";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { afterAll, expect, inject, test } from "vitest";
import { freePort } from "../support/process/free-port.ts";
import { finish } from "../support/process/test-process.ts";
import { expectPromisedTime } from "../support/setup/promised-time.ts";
import { secret } from "../support/setup/server.ts";

const password = "hunter2-hunter2";

const urlWith = (changes: Partial<URL>): string =>
  Object.assign(new URL(inject("postgresUrl")), { password, ...changes }).href;

/** A server that accepts connections and never responds. */
const silentServer = createServer();
afterAll(() => void silentServer.close());

/** Reasons why DATABASE_URL cannot be used, and what the error message says about each. */
const faults = {
  "the port is closed": {
    url: async () => urlWith({ host: `127.0.0.1:${await freePort()}` }),
    reason: "connect ECONNREFUSED",
  },
  "the server does not respond": {
    url: async () => {
      const port = await freePort();
      await once(silentServer.listen(port, "127.0.0.1"), "listening");
      return urlWith({ host: `127.0.0.1:${port}` });
    },
    reason: "Connection terminated due to connection timeout",
  },
  "the user does not exist": {
    url: () => urlWith({ username: "stranger" }),
    reason: 'role "stranger" does not exist',
  },
  "the database does not exist, which is not created": {
    url: () => urlWith({ pathname: "/missing" }),
    reason: 'database "missing" does not exist',
  },
  "the URL names no database": {
    url: () => urlWith({ pathname: "" }),
    reason: "No database specified",
  },
  "the URL requires encryption that the server does not support": {
    url: () => urlWith({ search: "?sslmode=require" }),
    reason: "The server does not support SSL connections",
  },
};
test.each(Object.entries(faults))(
  "the start fails, with the reason and without the password, if %s",
  async (name, { url, reason }) => {
    const env = { PORT: "0", JWT_SECRET_KEY: secret, DATABASE_URL: await url() };
    const startedAt = performance.now();
    const { code, stdout, stderr } = await finish("main", { folder: tmpdir(), env });
    expectPromisedTime(`Start: ${name}`, performance.now() - startedAt, 5000);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^PostgreSQL at .+ cannot be used: .+\. Check DATABASE_URL/m);
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain(password);
  },
);
