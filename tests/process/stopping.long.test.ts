import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { rest, transports } from "../support/client/transports.ts";
import { root } from "../support/docs/documents.ts";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { served, start } from "../support/process/executable.ts";
import { required } from "../support/setup/required.ts";
import { skipsWithout, skipsWithoutLinux } from "../support/setup/requirements.ts";
import { finish, serve, temporaryFolder } from "../support/process/test-process.ts";

const folderWithDatabase = async (): Promise<string> => {
  const folder = await temporaryFolder();
  await unpackDatabase(folder);
  return folder;
};

/** Returns whether the database was shut down cleanly: only that removes PostgreSQL's pid file. */
const isClosed = async (folder: string): Promise<boolean> =>
  !(await readdir(join(folder, ".data/pglite"))).includes("postmaster.pid");

/** Returns whether a process of Linux runs. One that has ended stays as a zombie until its parent reads its exit code. */
const isRunning = (pid: number): boolean => {
  const path = `/proc/${pid}/status`;
  return existsSync(path) && !/^State:\s+Z/m.test(readFileSync(path, "utf8"));
};

test("after the reader of its output has gone, the server serves calls, stops on SIGTERM, and starts again with its data", async () => {
  const folder = await folderWithDatabase();
  const server = await serve(folder);
  server.closeOutput();
  const ada = await signedInUser(server);
  for (const transport of transports) {
    const me = await transport.call(server.url, "auth.me", undefined, { token: ada.token });
    expect(me.data).toMatchObject({ id: ada.id });
  }
  expect(await server.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  expect(await isClosed(folder)).toBe(true);

  const { url } = await serve(folder);
  const me = await rest.call(url, "auth.me", undefined, { token: ada.token });
  expect(me.data).toMatchObject({ id: ada.id });
});

// `script` of Linux opens a terminal for a command; on other systems it has other options.
test.skipIf(skipsWithoutLinux || skipsWithout("script"))(
  "when its terminal closes, the server closes its database, and its process ends",
  async () => {
    const folder = await folderWithDatabase();
    const command = `echo pid $$; exec '${process.execPath}' '${join(root, "server/src/main.ts")}'`;
    const terminal = spawn("script", ["--quiet", "--flush", "--command", command, "/dev/null"], {
      cwd: folder,
      env: { PATH: process.env["PATH"], SHELL: "/bin/sh", PORT: "0" },
      stdio: ["pipe", "pipe", "inherit"],
    });
    onTestFinished(() => void terminal.kill("SIGKILL"));
    let output = "";
    for await (const text of terminal.stdout.setEncoding("utf8")) {
      output += String(text);
      if (/tRPC at http/.test(output)) break;
    }
    expect(await isClosed(folder)).toBe(false);
    terminal.kill("SIGKILL");
    await once(terminal, "exit");
    const pid = Number(required(/pid (\d+)/.exec(output), "the process id")[1]);
    await expect.poll(() => isRunning(pid)).toBe(false);
    expect(await isClosed(folder)).toBe(true);
    expect(await finish("migrate", { folder, args: ["status"] })).toMatchObject({ code: 0 });
  },
);

test("if the event loop is blocked while the server stops, or the process does not exit, it is killed", async () => {
  const block = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)";
  const exits = [
    `process.once("SIGTERM", () => process.nextTick(() => ${block}))`,
    `process.once("exit", () => ${block})`,
  ].map(async (code) => {
    const folder = await folderWithDatabase();
    const node = ["--import", `data:text/javascript,${encodeURIComponent(code)}`];
    // Without a limit: otherwise the helper could be what kills it.
    const server = await served(start("main", { folder, env: { PORT: "0" }, node, lifetime: 0 }));
    onTestFinished(async () => void (await server.kill("SIGKILL")));
    return [await server.kill("SIGTERM"), await finish("migrate", { folder, args: ["status"] })];
  });
  for (const [exit, next] of await Promise.all(exits)) {
    expect(exit).toEqual({ code: null, signal: "SIGKILL" });
    expect(next).toMatchObject({ code: 0 });
  }
});
