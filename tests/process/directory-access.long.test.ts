import { execFileSync } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { finish, serve, temporaryFolder } from "../support/process/test-process.ts";

test("while a server uses the data directory, no command of migrate runs", async () => {
  const folder = await temporaryFolder();
  await unpackDatabase(folder);
  await serve(folder);
  const commands = ["up", "down", "status"].map((command) =>
    finish("migrate", { folder, args: [command] }),
  );
  for (const { code, stdout, stderr } of await Promise.all(commands)) {
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("Another process uses the embedded database in .data.");
  }
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
