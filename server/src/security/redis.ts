import type { Redis as Client } from "ioredis";
import type { Logger } from "pino";

/** Milliseconds without an answer after which Redis counts as away. A sign-in asks twice, one after the other. */
const deadline = 150;
/** Milliseconds to connect, to greet, and between two looks at whether there is a change to log. */
const patience = 1000;

/** A Redis that may go and come back at any time, without anybody having to wait for it. */
export interface Redis {
  client: Client;
  /** Whether it is asked at all: it answered the last time, and in time. */
  readonly usable: boolean;
  /**
   * What a command answers, or nothing when Redis is away: no later than 150 ms after the call, and at once while it is
   * known to be away. Never rejects.
   */
  attempt: <Answer>(command: () => Promise<Answer>) => Promise<Answer | undefined>;
  /** Lets go of the connection, without waiting for Redis. */
  close: () => void;
}

/** Rejects when the time is up, but lets in first what has arrived while this process was busy. */
const inTime = async <Answer>(command: Promise<Answer>): Promise<Answer> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const giveUp = () => reject(new Error(`No answer in ${deadline} ms`));
    timer = setTimeout(() => setImmediate(giveUp), deadline);
  });
  try {
    return await Promise.race([command, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Why Redis is away. Of an error that Redis answers only the first word: the rest may quote the command, AUTH's too. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return "unknown";
  if (error.name === "ReplyError") return error.message.split(" ", 1).join();
  return "code" in error ? String(error.code) : error.message;
};

// Does what the limits will ask for, so that a Redis which is full, read-only or too slow does not look well.
const probe = "return redis.call('set', KEYS[1], '', 'PX', 1000)";

/**
 * Connects to a Redis, now and whenever it is away; does not wait until it is there.
 * @param url redis://… or rediss://…
 */
export const openRedis = async (url: string, log: Logger): Promise<Redis> => {
  // A server without Redis starts without the time that loading this takes.
  const { Redis: IoRedis } = await import("ioredis");
  const client = new IoRedis(url, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: patience,
    // For who accepts a connection and then never says a word.
    socketTimeout: patience,
    maxLoadingRetryTime: patience,
    // For who does not hang up either.
    disconnectTimeout: 100,
    retryStrategy: (times) => Math.min(100 * times, patience) * (0.8 + Math.random() * 0.4),
  });
  let usable = false;
  let reason = "not connected yet";

  const ask = async <Answer>(command: () => Promise<Answer>): Promise<Answer | undefined> => {
    try {
      return await inTime(command());
    } catch (error) {
      usable = false;
      reason = reasonOf(error);
      // A new connection comes with the old one's end, and must not be ended for the old one's faults.
      if (client.status === "ready") client.disconnect(true);
      return undefined;
    }
  };

  const greet = async (): Promise<void> => {
    const answer = await ask(() => client.eval(probe, 1, "taskwire:probe"));
    usable = answer !== undefined && client.status === "ready";
  };

  client.on("error", (error) => (reason = reasonOf(error)));
  client.on("close", () => (usable = false));
  client.on("ready", () => void greet());

  let told: boolean | undefined;
  const look = setInterval(() => {
    if (usable === told) return;
    told = usable;
    if (usable) log.info("Redis is there: attempts are counted for all processes together");
    else log.warn({ reason }, "Redis is away: attempts are counted in this process's memory");
  }, patience).unref();

  return {
    client,
    get usable() {
      return usable;
    },
    attempt: async (command) => (usable ? ask(command) : undefined),
    close: () => {
      clearInterval(look);
      usable = false;
      client.disconnect();
    },
  };
};
