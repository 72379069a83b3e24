/**
 * Returns the result of some work, or undefined if it takes longer. A later result or error is discarded.
 *
 * Tried: one timer for all calls, and a Set of those that wait for it. V8 keeps what is in the Set whenever it grows, a whole
 * request for each call, until the next full garbage collection.
 * @param ms milliseconds, more than 0
 * @param work gets a function that returns a signal, which aborts when the time is up: most work asks for none
 */
export const withTimeout = <Result>(
  ms: number,
  work: (expired: () => AbortSignal) => Promise<Result>,
): Promise<Result | undefined> => {
  const { promise, resolve, reject } = Promise.withResolvers<Result | undefined>();
  let controller: AbortController | undefined;
  let isExpired = false;
  const expired = (): AbortSignal => {
    controller ??= new AbortController();
    if (isExpired) controller.abort();
    return controller.signal;
  };
  const expire = (): void => {
    isExpired = true;
    controller?.abort();
    resolve(undefined);
  };
  // After the poll phase, so that a process that was busy first reads the results that have arrived.
  let afterPoll: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => (afterPoll = setImmediate(expire)), ms);
  const settle = async (): Promise<void> => {
    try {
      resolve(await work(expired));
    } catch (error) {
      reject(error);
    } finally {
      clearTimeout(timer);
      clearImmediate(afterPoll);
    }
  };
  void settle();
  return promise;
};
