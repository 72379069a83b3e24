import { Duplex } from "node:stream";
import type { Worker } from "node:worker_threads";
import type { FromThread, ToThread } from "./messages.ts";

/** The first byte of the message with which a client says goodbye (PostgreSQL's manual, "Message Formats": Terminate). */
const terminate = 0x58;

export interface Threads {
  /** Resolves with the thread once its database is open. */
  ready: () => Promise<Worker>;
  /** Ends a thread whose connection was closed during a statement, and starts another. */
  replace: (thread: Worker) => void;
}

const connectionLost = (): Error =>
  Object.assign(new Error("The embedded database has stopped"), { code: "ECONNRESET" });

/**
 * A connection to the embedded database in its thread, in the place of a socket: pg speaks the same protocol on it. If it
 * is destroyed during a statement, nothing else can end that statement than the end of its thread.
 */
export class ThreadConnection extends Duplex {
  readonly #threads: Threads;
  #thread: Worker | undefined;
  /** Messages without a response. */
  #pending = 0;

  constructor(threads: Threads) {
    super();
    this.#threads = threads;
  }

  /** Called by pg, like the following methods of a socket. */
  connect(): this {
    void this.#connect();
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  async #connect(): Promise<void> {
    try {
      const thread = await this.#threads.ready();
      if (this.destroyed) return;
      this.#thread = thread;
      thread.on("message", this.#receive);
      thread.on("exit", this.#lose);
      this.#post("reset");
      this.emit("connect");
    } catch (error) {
      this.destroy(error instanceof Error ? error : connectionLost());
    }
  }

  readonly #receive = (message: FromThread): void => {
    if (!(message instanceof Uint8Array)) return;
    this.#pending -= 1;
    if (message.length > 0) this.push(message);
  };

  readonly #lose = (): void => {
    this.#pending = 0;
    this.destroy(connectionLost());
  };

  #post(message: ToThread): void {
    this.#thread?.postMessage(message);
  }

  override _read(): void {
    // Data is pushed as it arrives: a result is bounded by the page size.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (chunk[0] !== terminate) {
      this.#pending += 1;
      // A copy: a view would be sent with all of the buffer behind it.
      this.#post(new Uint8Array(chunk));
    }
    done();
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), "utf8", done);
  }

  override _final(done: () => void): void {
    this.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#thread?.off("message", this.#receive);
    this.#thread?.off("exit", this.#lose);
    if (this.#thread !== undefined && this.#pending > 0) this.#threads.replace(this.#thread);
    done(error);
  }
}
