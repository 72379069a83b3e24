import autocannon, { type Client, type Request } from "autocannon";
import { cpuSeconds, residentMiB } from "../support/process/resource-usage.ts";
import type { BenchUser } from "./data.ts";
import type { Operation } from "./operations.ts";

/** What one round has measured. */
export interface Sample {
  requestsPerSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** CPU time of the server's process a request, in microseconds. PostgreSQL's is not among it. */
  cpu: number;
  /** Resident memory after the round. */
  rssMiB: number;
}

const benchConnections = 16;

/** Different requests of one connection. */
const requestsEach = 50;

/** Returns a percentile of the times, in milliseconds; autocannon itself counts whole ones. */
const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;

/** Returns the requests of an operation: the users take turns, each connection beginning with another one. */
export const requestsOf =
  (operation: Operation, users: readonly BenchUser[]) =>
  (turn: number): Request => {
    const user = users[turn % users.length];
    if (user === undefined) throw new Error("No users");
    const { headers, ...request } = operation.request(user, turn);
    return { ...request, headers: { authorization: `Bearer ${user.token}`, ...headers } };
  };

interface Load {
  /** For the error. */
  name: string;
  /** Returns a request; each turn may have another one. */
  requestOf: (turn: number) => Request;
  /** More than 0. */
  seconds: number;
}

/**
 * Sends requests over some connections, each as soon as the one before has its response.
 * @returns what was measured of the successful ones, and the number of all others
 */
export const load = async (
  { url, pid }: { url: string; pid: number },
  { requestOf, seconds }: Omit<Load, "name">,
  connections: number,
): Promise<Sample & { errors: number }> => {
  let connection = 0;
  const times: number[] = [];
  const cpuBefore = cpuSeconds(pid);
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    // Milliseconds: how often autocannon looks whether the time is over. It is a second by default.
    sampleInt: 100,
    setupClient: (client: Client) => {
      client.on("response", (_status, _bytes, time) => times.push(time));
      const start = requestsEach * connection++;
      client.setRequests(
        Array.from({ length: requestsEach }, (_, index) => requestOf(start + index)),
      );
    },
  });
  times.sort((a, b) => a - b);
  return {
    requestsPerSecond: result["2xx"] / result.duration,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    cpu: ((cpuSeconds(pid) - cpuBefore) * 1e6) / result["2xx"],
    rssMiB: residentMiB(pid),
    errors: result.non2xx + result.errors,
  };
};

/**
 * The same over 16 connections.
 * @throws {Error} if a response is an error
 */
export const measure = async (
  target: { url: string; pid: number },
  { name, ...sent }: Load,
): Promise<Sample> => {
  const { errors, ...sample } = await load(target, sent, benchConnections);
  if (errors > 0) throw new Error(`${name}: ${errors} errors`);
  return sample;
};
