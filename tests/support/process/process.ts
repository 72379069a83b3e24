import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import {
  type Ending,
  type Executable,
  type Options,
  type Output,
  type Running,
  served,
  start,
} from "./executable.ts";

/** Starts the server, and takes it along when the test ends. */
export const launch = (folder: string, env?: Record<string, string>): Running => {
  const running = start("main", { folder, env: { PORT: "0", ...env } });
  onTestFinished(async () => {
    await running.kill("SIGKILL");
  });
  return running;
};

/** Starts the server, and waits until it serves. */
export const serve = (
  folder: string,
  env?: Record<string, string>,
): Promise<Running & { url: string }> => served(launch(folder, env));

/** Runs an executable to its end. */
export const finish = async (name: Executable, options: Options): Promise<Ending & Output> => {
  const running = start(name, options);
  const ending = await running.ended;
  return { ...ending, stdout: running.stdout, stderr: running.stderr };
};

/** A folder that the test has for itself. */
export const temporaryFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "taskwire-process-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
};
