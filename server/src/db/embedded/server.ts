import type { Duplex } from "node:stream";
import { Worker } from "node:worker_threads";
import type { Logger } from "pino";
import { OperatorError } from "../../errors.ts";
import { withTimeout } from "../../timeout.ts";
import type { Seen } from "./archive.ts";
import { ThreadConnection } from "./connection.ts";
import type { FromThread, ThreadOptions, ToThread } from "./messages.ts";

/** Milliseconds for the database to close its files, before its thread is ended. */
const closeTimeout = 2000;

const messages = {
  created: (directory: string, reason: string) =>
    `The embedded database cannot be created in ${directory}: ${reason}`,
  opened: (directory: string, reason: string) =>
    `The embedded database in ${directory} cannot be opened: ${reason}. No new database was created in its place: restore it from a backup, or move it away to start with a new one.`,
};

/** Starts a thread, and resolves when its database is open. */
const startThread = async (options: ThreadOptions, onCreate: () => void): Promise<Worker> => {
  const thread = new Worker(new URL("./thread.ts", import.meta.url), {
    name: "embedded-database",
    workerData: options,
  });
  const { promise, resolve, reject } = Promise.withResolvers<Worker>();
  const onMessage = (message: FromThread): void => {
    if (message === "creating") onCreate();
    else if (message === "open") resolve(thread);
    else if (typeof message === "object" && "failed" in message) {
      const { failed, reason } = message;
      reject(new OperatorError(messages[failed](options.directory ?? "memory", reason)));
    }
  };
  thread.on("message", onMessage);
  thread.on("error", reject);
  thread.once("exit", () => reject(new Error("The thread of the embedded database ended")));
  try {
    return await promise;
  } catch (error) {
    await thread.terminate();
    throw error;
  } finally {
    thread.off("message", onMessage);
  }
};

/** Lets a thread complete a copy of its files between two statements. Other statements wait meanwhile. */
const completeIn = async (thread: Worker, copy: string, seen: Seen): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onMessage = (message: FromThread): void => {
    if (typeof message !== "object" || !("copy" in message)) return;
    if (message.reason === undefined) resolve();
    else reject(new Error(message.reason));
  };
  const onExit = (): void => reject(new Error("the database was opened again meanwhile"));
  thread.on("message", onMessage).once("exit", onExit);
  try {
    thread.postMessage({ copy, seen } satisfies ToThread);
    await promise;
  } finally {
    thread.off("message", onMessage).off("exit", onExit);
  }
};

/** PostgreSQL in a thread of this process. It serves one connection at a time. */
export interface EmbeddedServer {
  /** Creates what pg uses instead of a socket. */
  createConnection: () => Duplex;
  /** Writes a consistent copy of the files to a directory. */
  copy: (to: string) => Promise<void>;
  close: () => Promise<void>;
}

interface ServerOptions {
  /** The database's files, created if missing; undefined for a database in memory. */
  directory: string | undefined;
  /** Called before files are created, which takes seconds. */
  onCreate?: () => void;
  log?: Pick<Logger, "warn">;
}

/**
 * Starts the embedded database in a thread of its own, so that no statement blocks the event loop. Closing a connection
 * during a statement ends the thread, as `kill -9` would, and the next connection waits for another thread to open the files.
 * @throws {OperatorError} if the files are damaged, or cannot be written
 */
export const startEmbeddedServer = async ({
  directory,
  onCreate = () => {},
  log,
}: ServerOptions): Promise<EmbeddedServer> => {
  let closed = false;
  let running: Worker | undefined;
  let thread: Promise<Worker> | undefined;
  const start = async (rehearse: boolean, ended?: Promise<unknown>): Promise<Worker> => {
    try {
      await ended;
      const worker = await startThread({ directory, rehearse }, onCreate);
      worker.once("error", (err) => log?.warn({ err }, "The embedded database failed"));
      worker.once("exit", () => {
        if (running === worker) thread = undefined;
      });
      running = worker;
      return worker;
    } catch (error) {
      thread = undefined;
      throw error;
    }
  };
  // The files were intact when the last thread ended: their recovery needs no rehearsal.
  const ready = (): Promise<Worker> => (thread ??= start(false));
  const replace = (worker: Worker): void => {
    if (closed || worker !== running) return;
    log?.warn("A statement of the embedded database took too long: opening the database again");
    running = undefined;
    thread = start(false, worker.terminate());
    // If it fails, the next connection tries again, and reports the error.
    thread.catch(() => {});
  };
  thread = start(true);
  await thread;
  return {
    createConnection: () => new ThreadConnection({ ready, replace }),
    copy: async (to) => {
      if (directory === undefined) throw new Error("A database in memory has no files");
      // Loaded only when it is needed: it would slow every start down.
      const { copyInUse } = await import("./archive.ts");
      await completeIn(await ready(), to, await copyInUse(directory, to));
    },
    close: async () => {
      closed = true;
      const worker = await thread?.catch(() => undefined);
      if (worker === undefined) return;
      const exited = new Promise((resolve) => worker.once("exit", resolve));
      worker.postMessage("close" satisfies ToThread);
      await withTimeout(closeTimeout, () => exited);
      await worker.terminate();
    },
  };
};
