import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { finish, serve, temporaryFolder } from "../support/process/test-process.ts";

test("if the port is in use, the start fails, names PORT and HOST, and closes the database", async () => {
  const blocker = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void blocker.close());
  await once(blocker, "listening");
  const address = blocker.address();
  const port = typeof address === "object" ? String(address?.port) : "";
  const folder = await temporaryFolder();
  await unpackDatabase(folder);
  const failed = await finish("main", { folder, env: { PORT: port } });
  expect(failed.code).toBe(1);
  expect(failed.stderr).toBe(
    `Cannot listen (listen EADDRINUSE: address already in use 127.0.0.1:${port}). Set HOST and PORT to an address that is free.\n`,
  );
  expect(await readdir(join(folder, ".data/pglite"))).not.toContain("postmaster.pid");

  await serve(folder);
});
