import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import {
  type Executable,
  type Exit,
  type Options,
  type Output,
  type Running,
  served,
  start,
} from "./executable.ts";

/** Starts the server on a free port. It is killed when the test finishes. */
export const launch = (folder: string, env?: Record<string, string>): Running => {
  const running = start("main", { folder, env: { PORT: "0", ...env } });
  onTestFinished(async () => {
    await running.kill("SIGKILL");
  });
  return running;
};

/** Starts the server on a free port, and waits until it listens. It is killed when the test finishes. */
export const serve = (
  folder: string,
  env?: Record<string, string>,
): Promise<Running & { url: string }> => served(launch(folder, env));

/** Runs an executable and waits until it exits. */
export const finish = async (name: Executable, options: Options): Promise<Exit & Output> => {
  const running = start(name, options);
  const exit = await running.exited;
  return { ...exit, stdout: running.stdout, stderr: running.stderr };
};

/** Creates an empty folder, which is removed when the test finishes. */
export const temporaryFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "taskwire-process-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
};
