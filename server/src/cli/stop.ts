import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import closeWithGrace from "close-with-grace";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import type { Deps } from "../deps.ts";
import { withTimeout } from "../timeout.ts";

/**
 * Milliseconds, all counted from the signal. The drain delay takes up to 5 s of them. Then a call begins within 0.65 s and takes
 * up to 2.8 s, closing Redis 0.2 s, and closing an embedded database 4 s.
 */
const limits = {
  /** Until requests are cut off, so that the database is always closed. */
  requests: 8500,
  /** Until the process exits although something is not closed. */
  closing: 13_000,
  /** Until the process is killed: below the 15 s within which it is gone, whatever fails. */
  stopping: 14_000,
};

/**
 * Kills this process after a time, even if its event loop is blocked or `process.exit` waits: a timer of this thread would
 * not run then. A process that exits before is not affected.
 */
const killAfter = (ms: number): void => {
  const code = `setTimeout(() => process.kill(process.pid, "SIGKILL"), ${ms})`;
  new Worker(code, { eval: true, execArgv: [] })
    // Without a thread, the timer of close-with-grace still ends a process whose event loop works.
    .on("error", () => {})
    .unref();
};

/** What a process has to stop. */
interface Parts {
  app: FastifyInstance;
  deps: Pick<Deps, "config" | "log" | "draining" | "close">;
  housekeeping: { stop: () => void };
}

/** Closes the server after the responses to all requests that have begun, or at the limit without them. */
const finishRequests = async (app: FastifyInstance, log: Logger, ms: number): Promise<void> => {
  const closed = app.close().then(() => true);
  if (await withTimeout(ms, () => closed)) return;
  log.warn("Stopping: closed connections whose requests took too long");
  app.server.closeAllConnections();
  await closed;
};

/**
 * Stops the process on a signal (of a closed terminal too) or an uncaught error, within 15 s: it drains, completes the requests
 * that have begun, closes Redis, then the database, and exits. A second signal exits at once, with code 1.
 */
export const stopWithGrace = ({ app, deps, housekeeping }: Parts): void => {
  const { config, log } = deps;
  closeWithGrace({ delay: limits.closing, logger: log }, async ({ err, signal }) => {
    const begin = performance.now();
    killAfter(limits.stopping);
    deps.draining.abort();
    if (err === undefined) {
      log.info({ signal, drain_delay: config.drainDelay }, "Stopping");
      await sleep(config.drainDelay * 1000);
    } else log.fatal({ err }, "Stopping after an uncaught error");
    housekeeping.stop();
    try {
      await finishRequests(app, log, limits.requests - (performance.now() - begin));
    } finally {
      await deps.close();
    }
    log.info("Stopped");
  });
};
