import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Returns a process's resident memory in MiB, or undefined on a system without /proc. */
export const residentMiB = (pid: number): number | undefined => {
  const path = `/proc/${pid}/status`;
  if (!existsSync(path)) return undefined;
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(path, "utf8"))?.[1]) / 1024;
};

/** Returns the number of open files and sockets of a process, or undefined on a system without /proc. */
export const openFiles = (pid: number): number | undefined => {
  const path = `/proc/${pid}/fd`;
  return existsSync(path) ? readdirSync(path).length : undefined;
};
