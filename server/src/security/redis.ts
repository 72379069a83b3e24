import type { Redis as Client } from "ioredis";
import type { Logger } from "pino";
import { reasonOf } from "../errors.ts";
import { withTimeout } from "../timeout.ts";

/** Milliseconds to wait for a command. A sign-in sends two commands, one after the other. */
const commandTimeout = 150;
/** Milliseconds to connect, and to wait for the first response of a connection. */
const connectTimeout = 1000;
/** Milliseconds to wait for the end of a closed connection. */
const closeTimeout = 200;
/** Milliseconds between two log lines about the state of Redis. */
const logInterval = 1000;

/** A Redis that may fail and recover at any time. No call waits for it longer than `commandTimeout`. */
export interface Redis {
  client: Client;
  /** Whether commands are sent at all: true if the last one succeeded in time. */
  readonly usable: boolean;
  /**
   * Runs a command, for 150 ms at most. ioredis' own `commandTimeout` does not serve: after 200 ms of other work in this
   * process it rejected a command whose response had arrived; and EVALSHA and the EVAL after it get 150 ms each.
   * @returns undefined if the command fails or takes longer, and at once while Redis is unavailable; never rejects
   */
  attempt: <Result>(command: () => Promise<Result>) => Promise<Result | undefined>;
  /** Closes the connection. Waits 200 ms at most for a Redis that does not close its side. */
  close: () => Promise<void>;
}

/**
 * Returns the reason for the log. Of an error that Redis sent only the first word: the rest may quote the command, and
 * with AUTH the password.
 */
const safeReasonOf = (error: unknown): string => {
  if (error instanceof Error && error.name === "ReplyError")
    return error.message.split(" ", 1).join();
  return error instanceof Error && "code" in error ? String(error.code) : reasonOf(error);
};

// It writes, as the rate limits do, so that a Redis that is full, read-only or too slow counts as unavailable.
const probe = "return redis.call('set', KEYS[1], '', 'PX', 1000)";

/**
 * Connects to a Redis, and again whenever the connection is lost. Does not wait for the first connection.
 * @param url redis://… or rediss://…
 */
export const openRedis = async (url: string, log: Logger): Promise<Redis> => {
  // Imported here, so that a server without Redis starts faster.
  const { Redis: IoRedis } = await import("ioredis");
  const client = new IoRedis(url, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout,
    // For a server that accepts a connection and never sends anything.
    socketTimeout: connectTimeout,
    maxLoadingRetryTime: connectTimeout,
    // For a server that does not close the connection either.
    disconnectTimeout: 100,
    retryStrategy: (times) => Math.min(100 * times, 1000) * (0.8 + Math.random() * 0.4),
  });
  let usable = false;
  let reason = "not connected yet";

  const run = async <Result>(command: () => Promise<Result>): Promise<Result | undefined> => {
    try {
      const result = await withTimeout(commandTimeout, command);
      if (result === undefined) throw new Error(`No response within ${commandTimeout} ms`);
      return result;
    } catch (error) {
      usable = false;
      reason = safeReasonOf(error);
      // Only if ready: otherwise a new connection has begun, which must not be closed because of the old one.
      if (client.status === "ready") client.disconnect(true);
      return undefined;
    }
  };

  const check = async (): Promise<void> => {
    const result = await run(() => client.eval(probe, 1, "taskwire:probe"));
    usable = result !== undefined && client.status === "ready";
  };

  client.on("error", (error) => (reason = safeReasonOf(error)));
  client.on("close", () => (usable = false));
  client.on("ready", () => void check());

  let logged: boolean | undefined;
  // A timer, so that a Redis that fails and recovers many times a second does not flood the log.
  const logTimer = setInterval(() => {
    if (usable === logged) return;
    logged = usable;
    if (usable) log.info("Redis is available: rate limits are shared by all processes");
    else log.warn({ reason }, "Redis is unavailable: rate limits are counted in this process");
  }, logInterval).unref();

  return {
    client,
    get usable() {
      return usable;
    },
    attempt: async (command) => (usable ? run(command) : undefined),
    close: async () => {
      clearInterval(logTimer);
      usable = false;
      const isOpen = client.status === "ready";
      const ended = new Promise<void>((resolve) => client.once("end", resolve));
      client.disconnect();
      if (isOpen) await withTimeout(closeTimeout, () => ended);
    },
  };
};
