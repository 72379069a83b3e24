import { Worker } from "node:worker_threads";
import closeWithGrace from "close-with-grace";
import type { Logger } from "pino";

/** Milliseconds for closing, until the process exits anyway. */
const maxClosing = 10_000;

/** Milliseconds until the process is killed: below the 15 s within which it is gone, whatever fails. */
const maxStopping = 13_000;

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

/**
 * Closes the server on a signal (of a closed terminal too) or an uncaught error. The process is gone within 15 s.
 * @param close closes everything; if it fails or takes more than 10 s, the exit code is 1
 */
export const stopWithGrace = (log: Logger, close: () => Promise<void>): void => {
  closeWithGrace({ delay: maxClosing, logger: log }, async ({ err, signal }) => {
    killAfter(maxStopping);
    if (err === undefined) log.info({ signal }, "Stopping");
    else log.fatal({ err }, "Stopping after an uncaught error");
    await close();
    log.info("Stopped");
  });
};
