import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { finish, serve, temporaryFolder } from "../support/process/test-process.ts";

test("a port that is taken is told with the names of the settings, and the database is closed", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void taken.close());
  await once(taken, "listening");
  const address = taken.address();
  const port = typeof address === "object" ? String(address?.port) : "";
  const folder = await temporaryFolder();
  await unpackDatabase(folder);
  const busy = await finish("main", { folder, env: { PORT: port } });
  expect(busy.code).toBe(1);
  expect(busy.stderr).toBe(
    `Cannot listen (listen EADDRINUSE: address already in use 127.0.0.1:${port}). Set PORT or HOST to what is free here.\n`,
  );
  expect(await readdir(join(folder, ".data/pglite"))).not.toContain("postmaster.pid");

  await serve(folder);
});
