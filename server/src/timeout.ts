/**
 * Returns the result of some work, or undefined if it takes longer. A later result or error is discarded.
 * @param ms milliseconds, more than 0
 * @param work gets a signal that aborts when the time is up
 */
export const withTimeout = async <Result>(
  ms: number,
  work: (expired: AbortSignal) => Promise<Result>,
): Promise<Result | undefined> => {
  const controller = new AbortController();
  const { promise: timedOut, resolve } = Promise.withResolvers<undefined>();
  const expire = (): void => {
    controller.abort();
    resolve(undefined);
  };
  // After the poll phase, so that a process that was busy first reads the results that have arrived.
  let afterPoll: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => (afterPoll = setImmediate(expire)), ms);
  try {
    // Promise.race also handles the promise that settles last, so its late rejection is not an unhandled one.
    return await Promise.race([work(controller.signal), timedOut]);
  } finally {
    clearTimeout(timer);
    clearImmediate(afterPoll);
  }
};

/** Work with a deadline. */
interface Pending {
  /** The time by `performance.now()`. */
  expiresAt: number;
  expire: () => void;
}

/**
 * Creates a function like `withTimeout` for much work with the same time: all of it shares one timer, and a signal is made only
 * for work that asks for it.
 * @param ms milliseconds, more than 0
 * @param reason returns the error of work that takes longer
 */
export const createDeadline = (ms: number, reason: () => Error) => {
  // In the order of insertion, so the first one expires first.
  const pending = new Set<Pending>();
  let timer: NodeJS.Timeout | undefined;
  const expireDue = (): void => {
    timer = undefined;
    const now = performance.now();
    for (const each of pending) {
      if (each.expiresAt > now) {
        schedule(each.expiresAt - now);
        break;
      }
      pending.delete(each);
      each.expire();
    }
  };
  const schedule = (delay: number): void => {
    // After the poll phase, so that a process that was busy first reads the results that have arrived.
    timer = setTimeout(() => setImmediate(expireDue), Math.ceil(delay)).unref();
  };
  return <Result>(work: (expired: () => AbortSignal) => Promise<Result>): Promise<Result> => {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    let controller: AbortController | undefined;
    let isExpired = false;
    const entry: Pending = {
      expiresAt: performance.now() + ms,
      expire: () => {
        isExpired = true;
        controller?.abort();
        reject(reason());
      },
    };
    const expired = (): AbortSignal => {
      controller ??= new AbortController();
      if (isExpired) controller.abort();
      return controller.signal;
    };
    pending.add(entry);
    if (timer === undefined) schedule(ms);
    const settle = async (): Promise<void> => {
      try {
        resolve(await work(expired));
      } catch (error) {
        reject(error);
      } finally {
        pending.delete(entry);
      }
    };
    void settle();
    return promise;
  };
};
