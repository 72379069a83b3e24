import autocannon, { type Client, type Request } from "autocannon";
import { cpuSeconds, residentMiB } from "../support/process/resource-usage.ts";
import type { BenchUser } from "./data.ts";
import type { Operation } from "./operations.ts";
import type { Target } from "./targets.ts";

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

/** Returns what one connection sends: the users in turn, each connection beginning with another one. */
const requestsOf = (
  operation: Operation,
  users: readonly BenchUser[],
  connection: number,
): Request[] =>
  Array.from({ length: requestsEach }, (_, index) => {
    const turn = connection * requestsEach + index;
    const user = users[turn % users.length];
    if (user === undefined) throw new Error("No users");
    const { headers, ...request } = operation.request(user, turn);
    return { ...request, headers: { authorization: `Bearer ${user.token}`, ...headers } };
  });

/**
 * Sends an operation's requests over some connections, each as soon as the one before has its response.
 * @param seconds more than 0
 * @returns what was measured of the successful ones, and the number of all others
 */
export const load = async (
  { url, pid }: Target,
  operation: Operation,
  users: readonly BenchUser[],
  seconds: number,
  connections: number,
): Promise<Sample & { errors: number }> => {
  let connection = 0;
  const cpuBefore = cpuSeconds(pid);
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    setupClient: (client: Client) => {
      client.setRequests(requestsOf(operation, users, connection++));
    },
  });
  return {
    requestsPerSecond: result["2xx"] / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
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
  target: Target,
  operation: Operation,
  users: readonly BenchUser[],
  seconds: number,
): Promise<Sample> => {
  const { errors, ...sample } = await load(target, operation, users, seconds, benchConnections);
  if (errors > 0) throw new Error(`${operation.name} on ${target.name}: ${errors} errors`);
  return sample;
};
