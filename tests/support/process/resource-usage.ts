import { readdirSync, readFileSync } from "node:fs";
import { required } from "../setup/required.ts";

// All figures come from /proc of Linux. Without it, or after the process has ended, each function throws.

const memoryOf = (pid: number, row: RegExp): number =>
  Number(required(row.exec(readFileSync(`/proc/${pid}/status`, "utf8")), String(row))[1]) / 1024;

/** Returns a process's resident memory in MiB. */
export const residentMiB = (pid: number): number => memoryOf(pid, /^VmRSS:\s+(\d+) kB$/m);

/** Returns the maximum of a process's resident memory since its start in MiB. */
export const peakMiB = (pid: number): number => memoryOf(pid, /^VmHWM:\s+(\d+) kB$/m);

/** Returns the CPU time that a process has used, in seconds. Linux counts it in hundredths. */
export const cpuSeconds = (pid: number): number => {
  // The second field is the name, in brackets, which may contain spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

/** Returns the number of open files and sockets of a process. */
export const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** Returns the ports of the clients whose connections a server on this machine has accepted and still holds. */
export const acceptedClientPorts = (serverPort: number): Set<number> => {
  const portOf = (address = ""): number => Number.parseInt(address.split(":")[1] ?? "", 16);
  const rows = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  const accepted = rows.filter(
    // State 01 is ESTABLISHED; a connection without an inode still waits in the system's queue.
    ([, local, , state, , , , , , inode]) =>
      portOf(local) === serverPort && state === "01" && inode !== "0",
  );
  return new Set(accepted.map(([, , remote]) => portOf(remote)));
};
