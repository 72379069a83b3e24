import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { withTimeout } from "@taskwire/server/timeout.ts";
import { expect, onTestFinished, test } from "vitest";

/** Keeps this thread busy, so that neither timers nor sockets are served. */
const block = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

const never = () => new Promise<never>(() => {});

test("work that takes longer returns undefined, and its signal aborts, also if it is asked for later", async () => {
  let early: AbortSignal | undefined;
  let later: (() => AbortSignal) | undefined;
  const asksAtOnce = withTimeout(1, (expired) => {
    early = expired();
    return never();
  });
  const asksLater = withTimeout(1, (expired) => {
    later = expired;
    return never();
  });
  expect(await asksAtOnce).toBeUndefined();
  expect(await asksLater).toBeUndefined();
  expect(early?.aborted).toBe(true);
  expect(later?.().aborted).toBe(true);
});

test("work that is done in time returns its result, and its signal never aborts", async () => {
  let signal: AbortSignal | undefined;
  const result = await withTimeout(1, async (expired) => {
    signal = expired();
    // The timer is due now, but the work is done before timers are served.
    block(5);
    return "result";
  });
  expect(result).toBe("result");
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(signal?.aborted).toBe(false);
});

test("rejects with the error of the work", async () => {
  const failing = withTimeout(1000, () => Promise.reject(new Error("A fault")));
  await expect(failing).rejects.toThrow("A fault");
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
