import { serviceUnavailable } from "../errors.ts";

/** Lets a few pieces of work run at once for each key; further ones wait for their turn, in order. */
export interface Turns {
  /**
   * Runs the work, at once or when it is its turn. A key without work takes no memory.
   * @param key such as a user's id
   * @param signal when it aborts, work that waits is rejected. A function, where the signal is costly to create
   * @throws {AppError} SERVICE_UNAVAILABLE when the signal aborts before the work has started; any error of the work
   */
  run: <Result>(
    key: string,
    work: () => Promise<Result>,
    signal?: AbortSignal | (() => AbortSignal),
  ) => Promise<Result>;
}

interface Entry {
  running: number;
  /** Functions that start what waits, the first one first. Undefined as long as nothing has waited. */
  waiting: Set<() => void> | undefined;
}

/** Resolves when the entry starts it, and rejects when the signal aborts before. */
const waitIn = (entry: Entry, signal?: AbortSignal): Promise<void> => {
  const waiting = (entry.waiting ??= new Set());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = (): void => {
    waiting.delete(start);
    reject(serviceUnavailable());
  };
  const start = (): void => {
    signal?.removeEventListener("abort", abort);
    resolve();
  };
  if (signal?.aborted) abort();
  else {
    signal?.addEventListener("abort", abort, { once: true });
    waiting.add(start);
  }
  return promise;
};

/**
 * Creates turns. Not a p-queue for each key: nearly every call of the server runs here, and has nothing to wait for.
 * @param atOnce work of one key that runs at the same time, 1 or more
 */
export const createTurns = (atOnce: number): Turns => {
  const entries = new Map<string, Entry>();
  const finish = (key: string, entry: Entry): void => {
    const [next] = entry.waiting ?? [];
    if (next !== undefined) {
      // The turn passes on, so `running` stays the same.
      entry.waiting?.delete(next);
      next();
    } else if (--entry.running === 0) entries.delete(key);
  };
  return {
    run: async (key, work, signal) => {
      let entry = entries.get(key);
      if (entry === undefined) entries.set(key, (entry = { running: 0, waiting: undefined }));
      if (entry.running < atOnce) entry.running++;
      else await waitIn(entry, typeof signal === "function" ? signal() : signal);
      try {
        return await work();
      } finally {
        finish(key, entry);
      }
    },
  };
};
