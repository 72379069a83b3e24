import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { root } from "../support/docs/documents.ts";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { serve, temporaryFolder } from "../support/process/test-process.ts";
import { skipsWithout, skipsWithoutLinux } from "../support/setup/requirements.ts";

/** Runs the server in a terminal until its request to /no/such is logged, and returns what the terminal shows. */
const outputInTerminal = async (env: Record<string, string>): Promise<string> => {
  const folder = await temporaryFolder();
  await unpackDatabase(folder);
  const command = `exec '${process.execPath}' '${join(root, "server/src/main.ts")}'`;
  const terminal = spawn("script", ["--quiet", "--flush", "--command", command, "/dev/null"], {
    cwd: folder,
    env: { PATH: process.env["PATH"], SHELL: "/bin/sh", PORT: "0", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(async () => {
    if (terminal.exitCode === null && terminal.kill()) await once(terminal, "exit");
  });
  let [output, isSent] = ["", false];
  for await (const text of terminal.stdout.setEncoding("utf8")) {
    output += String(text);
    const url = /REST at (http:\/\/[^/"]+)/.exec(output)?.[1]?.replace("localhost", "127.0.0.1");
    if (url !== undefined && !isSent) {
      isSent = true;
      await fetch(`${url}/no/such`, { headers: { "x-request-id": "in-a-terminal" } });
    }
    if (output.includes("in-a-terminal")) break;
  }
  return output;
};

const jsonLines = (output: string): unknown[] =>
  output
    .trim()
    .split(/\r?\n/)
    .map((line): unknown => JSON.parse(line));

// `script` of Linux opens a terminal for a command; on other systems it has other options.
const skips = skipsWithoutLinux || skipsWithout("script");

test.skipIf(skips)("on a terminal, the lines of the log are for people", async () => {
  const output = await outputInTerminal({});
  expect(() => jsonLines(output)).toThrow(SyntaxError);
  // Without the colours.
  const text = stripVTControlCharacters(output);
  expect(text).not.toBe(output);
  expect(text).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: Listening at http/m);
  expect(text).toMatch(/^\[[^\]]+\] INFO: Request completed \{.*"status":404/m);
});

test.skipIf(skips)("on a terminal with NODE_ENV=production, the lines are JSON", async () => {
  const env = {
    NODE_ENV: "production",
    DATA_DIR: ".data",
    JWT_SECRET_KEY: randomBytes(32).toString("hex"),
  };
  const lines = jsonLines(await outputInTerminal(env));
  expect(lines.at(-1)).toMatchObject({ request_id: "in-a-terminal", status: 404 });
});

test("without a terminal, the lines are JSON", async () => {
  const folder = await temporaryFolder();
  await unpackDatabase(folder);
  const server = await serve(folder);
  expect(jsonLines(server.stdout.slice(0, server.stdout.lastIndexOf("\n"))).at(-1)).toMatchObject({
    level: "info",
  });
});
