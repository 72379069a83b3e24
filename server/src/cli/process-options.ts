import { enableCompileCache } from "node:module";
import { join } from "node:path";

/** The memory that V8 lets its garbage fill. By default it is up to 100 MiB of new and three times the size of old objects. */
const heapOptions = [
  // MiB of each half of the space of new objects: with less, more of them survive, and the CPU time of a call grows.
  "--max-semi-space-size=8",
  // By how much the old objects may grow until they are collected.
  "--heap-growing-percent=100",
];

/**
 * By default, each thread that hashes keeps the 19 MiB of its last hash: glibc gives each a heap of its own, and returns
 * little of it. In one heap, the next hash finds them. Other C libraries ignore the variable.
 */
const memoryVariable = "MALLOC_ARENA_MAX";

/**
 * Replaces this process by the same program with the options that limit memory, because V8 and glibc read them at the start
 * only. The process keeps its id, its arguments and its output. Options and variables that are given win.
 */
export const limitMemory = (): void => {
  const { env, execArgv, execPath, argv, platform } = process;
  const given = [...execArgv, env["NODE_OPTIONS"] ?? ""].join(" ");
  const missing = heapOptions.filter((option) => !given.includes(option.replace(/=.*/, "")));
  if (missing.length === 0 && env[memoryVariable] !== undefined) return;
  // Windows cannot replace a process. A parent with a channel to this one, such as `node --watch`, would lose it.
  if (platform === "win32" || process.connected) return;
  process.execve?.(execPath, [execPath, ...execArgv, ...missing, ...argv.slice(1)], {
    [memoryVariable]: "1",
    ...env,
  });
};

/** Keeps compiled code for the next start, where the folder of the packages can be written. Threads inherit it. */
export const keepCompiledCode = (): void => {
  const { directory } = enableCompileCache(
    join(import.meta.dirname, "../../../node_modules/.cache/node"),
  );
  if (directory !== undefined) process.env["NODE_COMPILE_CACHE"] ??= directory;
};
