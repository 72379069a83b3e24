import { parentPort, workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";
import { reasonOf } from "../../errors.ts";
import type { Seen } from "./archive.ts";
import { createCluster, exists, openCluster } from "./data-directory.ts";
import type { FromThread, ThreadOptions, ToThread } from "./messages.ts";

// The entry point of the thread that embedded/server.ts starts: PGlite blocks its thread during a statement.

// Safe: embedded/server.ts starts the thread with this type.
const { directory, rehearse } = workerData as ThreadOptions;

const send = (message: FromThread): void => parentPort?.postMessage(message);

const open = async (): Promise<PGlite | undefined> => {
  let failed: "created" | "opened" = "opened";
  try {
    if (directory === undefined) return await PGlite.create();
    if (!(await exists(directory))) {
      failed = "created";
      send("creating");
      await createCluster(directory);
      failed = "opened";
    }
    return await openCluster(directory, rehearse);
  } catch (error) {
    send({ failed, reason: reasonOf(error) });
    return undefined;
  }
};

const finishCopy = async (copy: string, seen: Seen): Promise<void> => {
  try {
    if (directory === undefined) throw new Error("A database in memory has no files");
    // Loaded only when it is needed: it would slow every start down.
    const { completeCopy } = await import("./archive.ts");
    completeCopy(directory, copy, seen);
    send({ copy });
  } catch (error) {
    send({ copy, reason: reasonOf(error) });
  }
};

const handle = async (pglite: PGlite, message: ToThread): Promise<void> => {
  if (message === "reset") {
    await pglite.exec("rollback");
    await pglite.exec("discard all");
  } else if (message === "close") {
    await pglite.close();
    parentPort?.close();
  } else if ("copy" in message) {
    await finishCopy(message.copy, message.seen);
  } else {
    // A copy: a view of a larger buffer would be sent with all of that buffer.
    send((await pglite.execProtocolRaw(message)).slice());
  }
};

const pglite = await open();
if (pglite !== undefined) {
  let last = Promise.resolve();
  parentPort?.on("message", (message: ToThread) => {
    // An error of PGlite itself, not of a statement, ends the thread: embedded/server.ts starts another.
    last = last.then(() => handle(pglite, message));
  });
  send("open");
}
