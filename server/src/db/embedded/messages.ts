import type { Seen } from "./archive.ts";

/** What the thread of the embedded database is started with. */
export interface ThreadOptions {
  /** The database's files; undefined for a database in memory. */
  directory: string | undefined;
  /** Whether the recovery after a crash runs on a copy first. */
  rehearse: boolean;
}

/**
 * Bytes of PostgreSQL's protocol, or: roll back and forget what the last connection left, or: close and end, or: complete a copy
 * of the files.
 */
export type ToThread = Uint8Array | "reset" | "close" | { copy: string; seen: Seen };

/**
 * The bytes of PostgreSQL's response to one message of bytes, or the progress of the start: the thread creates files, its
 * database is open, or the database cannot be created or opened. Or the copy is complete, or failed.
 */
export type FromThread =
  | Uint8Array
  | "creating"
  | "open"
  | { failed: "created" | "opened"; reason: string }
  | { copy: string; reason?: string };
