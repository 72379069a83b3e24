import { existsSync, readdirSync, readFileSync } from "node:fs";

const memoryOf = (pid: number, row: RegExp): number | undefined => {
  const path = `/proc/${pid}/status`;
  if (!existsSync(path)) return undefined;
  return Number(row.exec(readFileSync(path, "utf8"))?.[1]) / 1024;
};

/** Returns a process's resident memory in MiB, or undefined on a system without /proc. */
export const residentMiB = (pid: number): number | undefined =>
  memoryOf(pid, /^VmRSS:\s+(\d+) kB$/m);

/** Returns the maximum of a process's resident memory since its start in MiB, or undefined on a system without /proc. */
export const peakMiB = (pid: number): number | undefined => memoryOf(pid, /^VmHWM:\s+(\d+) kB$/m);

/**
 * Returns the figure for a comparison with a maximum. Throws if Linux has none, because the process has ended; other systems
 * never have one, and there the comparison is without meaning.
 */
export const comparableMiB = (mib: number | undefined): number => {
  if (mib !== undefined && !Number.isNaN(mib)) return mib;
  if (process.platform === "linux")
    throw new Error("The process has no memory figure: it has ended");
  return 0;
};

/** Returns the number of open files and sockets of a process, or undefined on a system without /proc. */
export const openFiles = (pid: number): number | undefined => {
  const path = `/proc/${pid}/fd`;
  return existsSync(path) ? readdirSync(path).length : undefined;
};

/**
 * Returns the ports of the clients whose connections a server on this machine has accepted and still holds, or undefined
 * where the system does not list them.
 */
export const acceptedClientPorts = (serverPort: number): Set<number> | undefined => {
  const path = "/proc/net/tcp";
  if (!existsSync(path)) return undefined;
  const portOf = (address = ""): number => Number.parseInt(address.split(":")[1] ?? "", 16);
  const rows = readFileSync(path, "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  const accepted = rows.filter(
    // State 01 is ESTABLISHED; a connection without an inode still waits in the system's queue.
    ([, local, , state, , , , , , inode]) =>
      portOf(local) === serverPort && state === "01" && inode !== "0",
  );
  return new Set(accepted.map(([, , remote]) => portOf(remote)));
};
