import { execFileSync } from "node:child_process";
import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { rest, transports } from "../support/client/transports.ts";
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

test("other processes fail while a server uses the data directory, and that server keeps working", async () => {
  const folder = await temporaryFolder();
  await unpackDatabase(folder);
  const { url } = await serve(folder);
  const ada = await signedInUser({ url });
  const others = [
    finish("main", { folder, env: { PORT: "0" } }),
    ...["up", "down", "status"].map((command) => finish("migrate", { folder, args: [command] })),
  ];
  for (const { code, stdout, stderr } of await Promise.all(others)) {
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toBe(
      "Another process uses the embedded database in .data. Stop it, or set DATA_DIR to another directory, or DATABASE_URL to a PostgreSQL.\n",
    );
  }
  const me = await rest.call(url, "auth.me", undefined, { token: ada.token });
  expect(me.data).toMatchObject({ id: ada.id });
  await signedInUser({ url });
});

test.skipIf(process.platform === "win32")(
  "if other users have access to the directory or the secret, the start fails with the command that helps",
  async () => {
    const folder = await temporaryFolder();
    await unpackDatabase(folder);
    const path = join(folder, ".data/jwt-secret");
    await writeFile(path, "0f".repeat(32));
    await chmod(path, 0o644);
    await chmod(join(folder, ".data"), 0o777);
    for (const [access, command] of [
      ["write to .data", "chmod 700 .data"],
      ["read or write .data/jwt-secret", "chmod 600 .data/jwt-secret"],
    ]) {
      expect(await finish("main", { folder, env: { PORT: "0" } })).toEqual({
        code: 1,
        signal: null,
        stdout: "",
        stderr: `Other users of this machine can ${access}, and so sign tokens. Run: ${command}\n`,
      });
      execFileSync("sh", ["-c", command ?? ""], { cwd: folder });
    }
    await signedInUser(await serve(folder));
  },
);
