import { once } from "node:events";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { afterAll, expect, inject, test } from "vitest";
import { freePort } from "../support/process/free-port.ts";
import { finish } from "../support/process/test-process.ts";
import { secret } from "../support/setup/server.ts";

const password = "hunter2-hunter2";

const urlWith = (changes: Partial<URL>): string =>
  Object.assign(new URL(inject("postgresUrl")), { password, ...changes }).href;

/** Takes connections, and never says a word. */
const mute = createServer();
afterAll(() => void mute.close());

/** Ways in which DATABASE_URL may be of no use, and what the server says of each. */
const faults = {
  "nobody listens": {
    url: async () => urlWith({ host: `127.0.0.1:${await freePort()}` }),
    reason: "connect ECONNREFUSED",
  },
  "nobody answers": {
    url: async () => {
      const port = await freePort();
      await once(mute.listen(port, "127.0.0.1"), "listening");
      return urlWith({ host: `127.0.0.1:${port}` });
    },
    reason: "Connection terminated due to connection timeout",
  },
  "the user is unknown": {
    url: () => urlWith({ username: "nobody" }),
    reason: 'role "nobody" does not exist',
  },
  "the database is unknown, and is not made": {
    url: () => urlWith({ pathname: "/missing" }),
    reason: 'database "missing" does not exist',
  },
  "no database is named": { url: () => urlWith({ pathname: "" }), reason: "No database specified" },
  "the wanted encryption is not there": {
    url: () => urlWith({ search: "?sslmode=require" }),
    reason: "The server does not support SSL connections",
  },
};
test.each(Object.entries(faults))(
  "the server ends at once, and says why without the password, when %s",
  async (_, { url, reason }) => {
    const env = { PORT: "0", JWT_SECRET_KEY: secret, DATABASE_URL: await url() };
    const began = performance.now();
    const { code, stdout, stderr } = await finish("main", { folder: tmpdir(), env });
    expect(performance.now() - began).toBeLessThan(5000);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^PostgreSQL at .+ cannot be used: .+\. Check DATABASE_URL/m);
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain(password);
  },
);
