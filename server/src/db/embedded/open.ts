import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { OperatorError, reasonOf } from "../../errors.ts";
import type { Logger } from "pino";
import type { Orm } from "../orm.ts";
import { serveBackups } from "./backup-socket.ts";
import { lockDirectory } from "./lock.ts";
import { openEmbeddedOrm } from "./orm.ts";
import { type EmbeddedServer, startEmbeddedServer } from "./server.ts";

/**
 * Creates a data directory if it is missing, and locks it.
 * @returns a function that releases the lock
 * @throws {OperatorError} if another process uses it, or it cannot be written
 */
export const lockDataDir = async (dataDir: string): Promise<() => void> => {
  let unlock: (() => void) | undefined;
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    unlock = lockDirectory(dataDir);
  } catch (cause) {
    throw new OperatorError(
      `DATA_DIR ${dataDir} is not a directory that can be written: ${reasonOf(cause)}`,
      { cause },
    );
  }
  if (unlock !== undefined) return unlock;
  throw new OperatorError(
    `Another process uses the embedded database in ${dataDir}. Stop it, or set DATA_DIR to another directory, or DATABASE_URL to a PostgreSQL.`,
  );
};

interface EmbeddedOptions {
  /** Called before a database is created, which takes seconds. */
  onCreate?: () => void;
  /** Runs before the database is used, without the limit of a statement's time. */
  migrate?: (orm: Orm) => Promise<unknown>;
  /** Default true. False for migrations: their statements may take long. */
  statementTimeout?: boolean;
  log?: Pick<Logger, "warn">;
}

const openOn = async (
  server: EmbeddedServer,
  { migrate, statementTimeout = true }: EmbeddedOptions,
): Promise<Orm> => {
  if (migrate !== undefined) {
    const orm = await openEmbeddedOrm(server, false);
    try {
      await migrate(orm);
    } finally {
      await orm.close();
    }
  }
  return openEmbeddedOrm(server, statementTimeout);
};

/**
 * Opens the embedded database of a data directory, and creates it if it does not exist.
 * @param dataDir contains the database (pglite/), its lock (pglite.lock) and the socket for backups (backup.sock); created with mode 0700 if missing
 * @throws {OperatorError} if another process uses it, or it is damaged, or cannot be written
 */
export const openEmbedded = async (
  dataDir: string,
  options: EmbeddedOptions = {},
): Promise<Orm> => {
  const unlock = await lockDataDir(dataDir);
  let server: EmbeddedServer | undefined;
  let stopBackups: (() => void) | undefined;
  const release = async (): Promise<void> => {
    stopBackups?.();
    await server?.close();
    unlock();
  };
  try {
    server = await startEmbeddedServer({ ...options, directory: join(dataDir, "pglite") });
    const orm = await openOn(server, options);
    stopBackups = await serveBackups({ dataDir, copy: server.copy, log: options.log });
    return {
      ...orm,
      close: async () => {
        await orm.close();
        await release();
      },
    };
  } catch (error) {
    await release();
    throw error;
  }
};
