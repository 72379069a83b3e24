import { existsSync, readFileSync } from "node:fs";

/** A process's resident memory in MiB; nothing, where the system does not tell. */
export const residentMiB = (pid: number): number | undefined => {
  const path = `/proc/${pid}/status`;
  if (!existsSync(path)) return undefined;
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(path, "utf8"))?.[1]) / 1024;
};
