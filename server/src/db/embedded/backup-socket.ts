import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { join, relative, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Logger } from "pino";
import { z } from "zod";
import { OperatorError, reasonOf } from "../../errors.ts";

/** A line of the server: the copy is ready, or still complete after the client has read it, or there is none. */
const response = z.union([z.object({ copy: z.string() }), z.object({ reason: z.string() })]);

/** Where the process that uses a data directory listens: a file there, that only its owner can open. */
const addressOf = (dataDir: string): string => {
  if (process.platform === "win32") {
    const name = createHash("sha256").update(resolve(dataDir)).digest("hex");
    return String.raw`\\.\pipe\taskwire-${name}`;
  }
  // A system allows about 100 characters, and the relative path can be much shorter.
  const absolute = resolve(dataDir, "backup.sock");
  const fromHere = relative(process.cwd(), absolute);
  return fromHere.length < absolute.length ? fromHere : absolute;
};

interface Options {
  dataDir: string;
  /** Writes a consistent copy of the database to a directory. */
  copy: (directory: string) => Promise<void>;
  log?: Pick<Logger, "warn"> | undefined;
}

/**
 * Copies the database for every client of a socket in the data directory. The caller holds the directory's lock.
 * @returns a function that stops it; a client that still reads the copy then notices that it is gone
 */
export const serveBackups = async ({ dataDir, copy, log }: Options): Promise<() => void> => {
  const directory = join(dataDir, "pglite.backup");
  const address = addressOf(dataDir);
  let current: Socket | undefined;
  const serve = async (socket: Socket): Promise<void> => {
    const answer = (line: z.output<typeof response>): boolean =>
      socket.write(`${JSON.stringify(line)}\n`);
    if (current !== undefined) {
      answer({ reason: "another backup has not finished" });
      socket.end();
      return;
    }
    current = socket;
    const closed = once(socket, "close");
    // The client has read the copy, and asks whether it is still complete.
    socket.once("data", () => {
      answer({ copy: directory });
      socket.end();
    });
    try {
      await copy(directory);
      answer({ copy: directory });
    } catch (error) {
      answer({ reason: reasonOf(error) });
      socket.end();
    }
    await closed;
    await rm(directory, { recursive: true, force: true });
    current = undefined;
  };
  const server = createServer((socket) => {
    // The client has gone away.
    socket.on("error", () => {});
    void serve(socket);
  });
  // A killed process leaves both.
  await rm(directory, { recursive: true, force: true });
  if (process.platform !== "win32") await rm(address, { force: true });
  try {
    server.listen(address);
    await once(server, "listening");
    if (process.platform !== "win32") await chmod(address, 0o600);
  } catch (err) {
    log?.warn({ err }, "Backups are not possible while the server runs");
  }
  server.unref();
  return () => {
    server.close();
    current?.destroy();
  };
};

/**
 * Asks the process that uses a data directory for a copy of the database, which exists until `read` has ended.
 * @param read gets the directory of the copy
 * @throws {OperatorError} if the process does not answer or has stopped before the end, or cannot write a copy
 */
export const withCopy = async (
  dataDir: string,
  read: (directory: string) => Promise<void>,
): Promise<void> => {
  const socket = connect(addressOf(dataDir));
  try {
    await once(socket, "connect");
  } catch (cause) {
    throw new OperatorError(
      `Another process uses the embedded database in ${dataDir}, and cannot be asked for a backup: ${reasonOf(cause)}`,
      { cause },
    );
  }
  const lines = createInterface({ input: socket.on("error", () => {}) })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<void> => {
    const { value, done } = await lines.next();
    if (done === true) throw new OperatorError("The server stopped before the backup was complete");
    const line = response.parse(JSON.parse(value));
    if ("reason" in line) throw new OperatorError(`The server wrote no backup: ${line.reason}`);
  };
  try {
    await nextLine();
    await read(join(dataDir, "pglite.backup"));
    socket.write("done\n");
    await nextLine();
  } finally {
    socket.destroy();
  }
};
