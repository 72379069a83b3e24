import { existsSync, readdirSync, readFileSync } from "node:fs";

/** A process's resident memory in MiB; nothing, where the system does not tell. */
export const residentMiB = (pid: number): number | undefined => {
  const path = `/proc/${pid}/status`;
  if (!existsSync(path)) return undefined;
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(path, "utf8"))?.[1]) / 1024;
};

/** How many files and sockets a process has open; nothing, where the system does not tell. */
export const openFiles = (pid: number): number | undefined => {
  const path = `/proc/${pid}/fd`;
  return existsSync(path) ? readdirSync(path).length : undefined;
};
