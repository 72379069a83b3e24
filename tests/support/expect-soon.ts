import { setTimeout as delay } from "node:timers/promises";

/**
 * Waits for something to become true.
 * @param what told when it does not
 * @param deadline milliseconds
 */
export const expectSoon = async (
  what: string,
  deadline: number,
  isTrue: () => Promise<boolean>,
): Promise<void> => {
  const end = Date.now() + deadline;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`Not within ${deadline} ms: ${what}`);
    await delay(20);
  }
};
