/**
 * What some work gives, or nothing if it takes longer. What it gives or throws after that is dropped.
 * @param ms milliseconds, more than 0
 * @param work is told by the signal when nobody waits for it any more
 */
export const withTimeout = async <Result>(
  ms: number,
  work: (late: AbortSignal) => Promise<Result>,
): Promise<Result | undefined> => {
  const deadline = new AbortController();
  const { promise: expired, resolve } = Promise.withResolvers<undefined>();
  const expire = (): void => {
    deadline.abort();
    resolve(undefined);
  };
  // Not in the timer itself: a busy process first reads the results that have arrived in the meantime.
  let afterReading: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => (afterReading = setImmediate(expire)), ms);
  try {
    // The race listens to the loser too, so that its late rejection is no unhandled one.
    return await Promise.race([work(deadline.signal), expired]);
  } finally {
    clearTimeout(timer);
    clearImmediate(afterReading);
  }
};
