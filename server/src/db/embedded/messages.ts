/** What the thread of the embedded database is started with. */
export interface ThreadOptions {
  /** The database's files; undefined for a database in memory. */
  directory: string | undefined;
  /** Whether the recovery after a crash runs on a copy first. */
  rehearse: boolean;
}

/** Bytes of PostgreSQL's protocol, or: roll back and forget what the last connection left, or: close and end. */
export type ToThread = Uint8Array | "reset" | "close";

/**
 * The bytes of PostgreSQL's response to one message of bytes, or the progress of the start: the thread creates files, its
 * database is open, or the database cannot be created or opened.
 */
export type FromThread =
  | Uint8Array
  | "creating"
  | "open"
  | { failed: "created" | "opened"; reason: string };
