import { spawnSync } from "node:child_process";

/** CI has everything that a test needs, or fails. Only a developer's machine may skip a test. */
const maySkip = process.env["CI"] === undefined;

/** Whether to skip a test that needs a program which this machine lacks: never in CI. */
export const skipsWithout = (program: string): boolean =>
  maySkip && spawnSync(program, ["--version"]).error !== undefined;

/** Whether to skip a test that needs Linux, for /proc or for options of its programs: never in CI. */
export const skipsWithoutLinux = maySkip && process.platform !== "linux";
