import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { migrations } from "@taskwire/migrations";
import { expect, onTestFinished, test } from "vitest";
import { root } from "../support/docs/documents.ts";
import { emptyDatabase } from "../support/process/empty-database.ts";
import { finish, temporaryFolder } from "../support/process/test-process.ts";
import { skipsWithout, skipsWithoutLinux } from "../support/setup/requirements.ts";

/** Runs `migrate down` in a terminal, and types an answer after its question. */
const downInTerminal = async (folder: string, env: Record<string, string>, answer: string) => {
  const command = `exec '${process.execPath}' '${join(root, "server/src/cli/migrate.ts")}' down`;
  const terminal = spawn(
    "script",
    ["--quiet", "--flush", "--return", "--command", command, "/dev/null"],
    {
      cwd: folder,
      env: { PATH: process.env["PATH"], SHELL: "/bin/sh", ...env },
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  const exited = once(terminal, "exit");
  onTestFinished(async () => {
    if (terminal.exitCode === null && terminal.kill()) await exited;
  });
  let [output, isSent] = ["", false];
  for await (const text of terminal.stdout.setEncoding("utf8")) {
    output += String(text);
    if (isSent || !output.includes("to continue: ")) continue;
    isSent = true;
    terminal.stdin.write(`${answer}\n`);
  }
  const [code] = await exited;
  return { code, output };
};

test.skipIf(skipsWithoutLinux || skipsWithout("script"))(
  'on a terminal, down asks before it deletes data: with "n" or "y" nothing changes, with "yes" the migration is reverted',
  async () => {
    const folder = await temporaryFolder();
    const { env } = await emptyDatabase();
    const newest = migrations.at(-1)?.name;
    const pending = async (): Promise<unknown> => {
      const { stdout } = await finish("migrate", { folder, env, args: ["status", "--json"] });
      return JSON.parse(stdout);
    };
    await finish("migrate", { folder, env, args: ["up"] });
    for (const answer of ["n", "y", ""]) {
      const kept = await downInTerminal(folder, env, answer);
      expect(kept.code).toBe(1);
      expect(kept.output).toContain(`Reverting ${newest} deletes data:`);
      expect(kept.output).toContain("Reverted nothing");
      expect(await pending()).toMatchObject({ pending: [] });
    }
    const reverted = await downInTerminal(folder, env, "yes");
    expect(reverted.code).toBe(0);
    expect(reverted.output).toContain(`Reverted ${newest}`);
    expect(await pending()).toMatchObject({ pending: [newest] });
  },
);
