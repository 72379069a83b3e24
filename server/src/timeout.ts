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
