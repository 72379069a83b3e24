import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { createDeadline, withTimeout } from "@taskwire/server/timeout.ts";
import { describe, expect, onTestFinished, test, vi } from "vitest";

/** Keeps this thread busy, so that neither timers nor sockets are served. */
const block = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

test("work that takes longer returns undefined, and its signal aborts", async () => {
  let signal: AbortSignal | undefined;
  const never = (expired: AbortSignal) => {
    signal = expired;
    return new Promise<never>(() => {});
  };
  expect(await withTimeout(1, never)).toBeUndefined();
  expect(signal?.aborted).toBe(true);
});

test("work that is done in time returns its result, and its signal never aborts", async () => {
  let signal: AbortSignal | undefined;
  const result = await withTimeout(1, async (expired) => {
    signal = expired;
    // The timer is due now, but the work is done before timers are served.
    block(5);
    return "result";
  });
  expect(result).toBe("result");
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(signal?.aborted).toBe(false);
});

test("a process that was busy until after the time-out still returns a result that has arrived", async () => {
  const sent = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(
    `const { parentPort, workerData } = require("node:worker_threads");
    parentPort.postMessage("result");
    Atomics.store(workerData, 0, 1);
    Atomics.notify(workerData, 0);`,
    { eval: true, workerData: sent },
  );
  onTestFinished(async () => void (await worker.terminate()));
  const { promise, resolve } = Promise.withResolvers<unknown>();
  // All in one setImmediate, because the event loop then serves the timer, which is due, before it reads messages.
  setImmediate(() => {
    resolve(withTimeout(1, async () => (await once(worker, "message")) as [string]));
    Atomics.wait(sent, 0, 0);
    block(5);
  });
  expect(await promise).toEqual(["result"]);
});

describe("work that shares a deadline", () => {
  const never = () => new Promise<never>(() => {});
  const late = () => new Error("Late");

  test("each expires at its own time, and those that are done do not", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const withDeadline = createDeadline(1000, late);
    const outcomes: string[] = [];
    const begin = (name: string, work: () => Promise<unknown>) =>
      void withDeadline(work).then(
        (result) => outcomes.push(`${name}: ${String(result)}`),
        (error) => outcomes.push(`${name}: ${String(error)}`),
      );
    begin("first", never);
    begin("done", async () => undefined);
    await vi.advanceTimersByTimeAsync(400);
    begin("second", never);
    await vi.advanceTimersByTimeAsync(599);
    expect(outcomes).toEqual(["done: undefined"]);
    await vi.advanceTimersByTimeAsync(2);
    expect(outcomes).toEqual(["done: undefined", "first: Error: Late"]);
    await vi.advanceTimersByTimeAsync(400);
    expect(outcomes).toEqual(["done: undefined", "first: Error: Late", "second: Error: Late"]);
    // The timer has stopped, and starts again.
    await vi.advanceTimersByTimeAsync(5000);
    begin("third", never);
    await vi.advanceTimersByTimeAsync(1001);
    expect(outcomes.at(-1)).toBe("third: Error: Late");
  });

  test("its signal aborts at the deadline, also if it is asked for later", async () => {
    const withDeadline = createDeadline(1, late);
    let expired: (() => AbortSignal) | undefined;
    let early: AbortSignal | undefined;
    const asksAtOnce = withDeadline((signal) => {
      early = signal();
      return never();
    });
    const asksLater = withDeadline((signal) => {
      expired = signal;
      return never();
    });
    await expect(asksAtOnce).rejects.toThrow("Late");
    await expect(asksLater).rejects.toThrow("Late");
    expect(early?.aborted).toBe(true);
    expect(expired?.().aborted).toBe(true);
  });

  test("rejects with the error of the work", async () => {
    const failing = createDeadline(1000, late)(() => Promise.reject(new Error("A fault")));
    await expect(failing).rejects.toThrow("A fault");
  });
});
