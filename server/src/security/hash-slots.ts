import { availableParallelism } from "node:os";
import PQueue from "p-queue";
import { serviceUnavailable } from "../errors.ts";
import { createTurns } from "./turns.ts";

/** How many hashes may wait for a thread. Each takes about 20 ms, so the last of them waits about one second. */
const maxQueued = 64;

/** How many slots work other than sign-ins may take: half of the queue is kept for sign-ins. */
const maxOther = maxQueued / 2;

/** What a call hashes for: a sign-in, or anything else (registration, a signed-in user's password). */
export type HashKind = "signIn" | "other";

interface SlotOptions {
  kind: HashKind;
  /** The signed-in user, who has one slot at a time: further calls wait outside, and take none. */
  user?: string;
  signal?: AbortSignal;
}

/** Two bounded queues: the calls that need a hash, and inside them the hashes that run. */
export interface HashSlots {
  /**
   * Rejects a call that `withSlot` would reject, before anything else is done for it.
   * @throws {AppError} SERVICE_UNAVAILABLE when all slots of the kind are taken
   */
  assertCapacity: (kind: HashKind) => void;
  /**
   * Runs the work in one of the slots, so that a call without a slot is rejected before it costs a query. When the
   * signal aborts, the slot is free at once, even if the work still runs.
   * @throws {AppError} SERVICE_UNAVAILABLE when all slots of the kind are taken or the signal aborts; any error of the work
   */
  withSlot: <Result>(work: () => Promise<Result>, options: SlotOptions) => Promise<Result>;
  /**
   * Runs a hash as soon as a thread is free. When the signal aborts, a hash that waits leaves the queue.
   * @throws {AppError} SERVICE_UNAVAILABLE when too many hashes wait, or the signal aborts before this one started
   */
  runHash: <Result>(hash: () => Promise<Result>, signal?: AbortSignal) => Promise<Result>;
  /** How many slots are taken, how many there are, and how many hashes wait for a thread. */
  slots: () => { used: number; max: number; queued: number };
  /** Runs a hash that no client waits for. It is queued like the others, but never rejected. */
  runOwnHash: <Result>(hash: () => Promise<Result>) => Promise<Result>;
}

/** A signal that aborts with SERVICE_UNAVAILABLE when the client's aborts: the queue rejects with that reason. */
const unavailableAfter = (signal: AbortSignal | undefined) => {
  const controller = new AbortController();
  const abort = (): void => controller.abort(serviceUnavailable());
  signal?.addEventListener("abort", abort, { once: true });
  return { signal: controller.signal, ignore: () => signal?.removeEventListener("abort", abort) };
};

/**
 * Creates the slots. By default one core stays free for all other work, and so does one of libuv's four threads.
 * @param concurrency hashes that run at the same time, 1 or more
 */
export const createHashSlots = (
  concurrency = Math.max(1, Math.min(availableParallelism() - 1, 3)),
): HashSlots => {
  const slots = new PQueue({ concurrency: concurrency + maxQueued });
  const otherSlots = new PQueue({ concurrency: maxOther });
  const hashes = new PQueue({ concurrency });
  const userTurns = createTurns(1);
  const isFull = (kind: HashKind) =>
    slots.pending >= slots.concurrency ||
    (kind === "other" && otherSlots.pending >= otherSlots.concurrency);
  const takeSlot: HashSlots["withSlot"] = (work, { kind, signal }) => {
    if (isFull(kind) || signal?.aborted) return Promise.reject(serviceUnavailable());
    const options = { signal: unavailableAfter(signal).signal };
    const start = () => slots.add(work, options);
    return kind === "signIn" ? start() : otherSlots.add(start, options);
  };
  return {
    assertCapacity: (kind) => {
      if (isFull(kind)) throw serviceUnavailable();
    },
    withSlot: (work, options) => {
      const { user, signal } = options;
      if (user === undefined) return takeSlot(work, options);
      return userTurns.run(user, () => takeSlot(work, options), signal);
    },
    runHash: (hash, signal) => {
      if (hashes.size >= maxQueued || signal?.aborted) return Promise.reject(serviceUnavailable());
      const aborted = unavailableAfter(signal);
      const start = () => {
        // A running hash cannot be stopped. If it gave up its slot, more hashes would run than there are threads for.
        aborted.ignore();
        return hash();
      };
      return hashes.add(start, { signal: aborted.signal });
    },
    slots: () => ({ used: slots.pending, max: slots.concurrency, queued: hashes.size }),
    runOwnHash: (hash) => hashes.add(hash),
  };
};
