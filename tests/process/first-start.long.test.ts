import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { transports } from "../support/client/transports.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { finish, serve, temporaryFolder } from "../support/process/test-process.ts";

const modeOf = async (path: string): Promise<string> =>
  ((await stat(path)).mode & 0o777).toString(8);

/** Returns whether the database was shut down cleanly: only that removes PostgreSQL's pid file. */
const isClosed = async (folder: string): Promise<boolean> =>
  !(await readdir(join(folder, ".data/pglite"))).includes("postmaster.pid");

test("the first start creates the database and the secret, and the second start reuses them", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, ".data/jwt-secret");
  const first = await serve(folder);
  expect(first.stdout).toMatch(/Creating an embedded database in \.data/);
  expect(first.stdout).toMatch(/Created a JWT secret in \.data\/jwt-secret/);
  expect(await modeOf(join(folder, ".data"))).toBe("700");
  expect(await modeOf(join(folder, ".data/pglite"))).toBe("700");
  expect(await modeOf(path)).toBe("600");
  const secret = await readFile(path, "utf8");
  expect(secret).toMatch(/^[0-9a-f]{64}\n$/);
  expect(first.stdout).not.toContain(secret.trim());
  const ada = await signedInUser(first);
  expect(await isClosed(folder)).toBe(false);
  expect(await first.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  expect(first.stderr).toBe("");
  expect(await isClosed(folder)).toBe(true);

  const status = await finish("migrate", { folder, args: ["status"] });
  expect(status.stdout).toMatch(/^applied {2}\d{14}_\w+ /);
  const second = await serve(folder);
  expect(second.stdout).not.toMatch(/Creat(?:ing|ed)|Ma(?:king|de)/);
  expect(await readFile(path, "utf8")).toBe(secret);
  for (const transport of transports) {
    const me = await transport.call(second.url, "auth.me", undefined, { token: ada.token });
    expect(me.data).toMatchObject({ id: ada.id, email: ada.email });
    const { email, password } = ada;
    const signedIn = await transport.call(second.url, "auth.login", { email, password });
    expect(signedIn.status).toBe(200);
  }
  expect(await second.kill("SIGINT")).toEqual({ code: 0, signal: null });
  expect(second.stderr).toBe("");
  expect(await isClosed(folder)).toBe(true);
});
