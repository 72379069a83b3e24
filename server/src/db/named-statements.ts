import { createHash } from "node:crypto";
import type { Pool } from "pg";

/** Texts that get a name. Each costs PostgreSQL up to 0.1 MB a connection, and filters combine to several hundred texts. */
const maxNames = 100;

/** What the server has done with a name: 26000 lost it, 42P05 has it already, 0A000 has planned it for another schema. */
const lossCodes = new Set(["26000", "42P05"]);

const codeOf = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined;

/** Returns whether a migration has changed the columns of a named statement's result. */
const isOutdated = (error: unknown): boolean =>
  codeOf(error) === "0A000" && error instanceof Error && error.message.startsWith("cached plan");

/** Returns whether a statement failed only because of its name, before it did anything. It succeeds without, or under another one. */
export const isNameLost = (error: unknown): boolean =>
  lossCodes.has(String(codeOf(error))) || isOutdated(error);

/** pg's function as it is used here: it has six overloads, with callbacks too. */
type Query = (...args: unknown[]) => unknown;

/**
 * Sends every statement with parameters under a name, so that PostgreSQL parses and plans it once for each connection.
 * A name follows from the text: if a connection pooler that shares connections mixes up the names of two processes, they
 * still mean the same. Such a pooler may lose names too: after the first error, statements have no names.
 * @param onLoss is called when that happens; undefined if statements get no names at all
 */
export const nameStatements = (pool: Pool, onLoss: (() => void) | undefined): void => {
  const names = new Map<string, string>();
  let isOn = onLoss !== undefined;
  let generation = 0;

  const nameOf = (text: string): string | undefined => {
    let name = names.get(text);
    if (name === undefined && names.size < maxNames) {
      const digest = createHash("sha256").update(text).digest("base64url");
      names.set(text, (name = `${digest}_${generation}`));
    }
    return name;
  };

  const note = (error: unknown): void => {
    if (isOutdated(error)) {
      generation++;
      names.clear();
    } else if (isOn && isNameLost(error)) {
      isOn = false;
      onLoss?.();
    }
  };

  pool.on("connect", (client) => {
    const query = client.query.bind(client) as Query;
    const named: Query = (...args) => {
      const [text, values] = args;
      if (typeof text !== "string" || !Array.isArray(values) || args.length > 2)
        return query(...args);
      const name = isOn && values.length > 0 ? nameOf(text) : undefined;
      // Not pg's own promise: V8 keeps each of those, with its rows, until a full garbage collection.
      const sent = new Promise((resolve, reject) => {
        query({ name, text, values }, (error: unknown, result: unknown) => {
          if (error == null) resolve(result);
          else reject(error);
        });
      });
      return sent.catch((error: unknown) => {
        note(error);
        // As pg does: the stack of the caller, and not of the socket.
        if (error instanceof Error) Error.captureStackTrace(error);
        throw error;
      });
    };
    // Safe: it passes on what it does not name, so each overload works as before.
    client.query = named as typeof client.query;
  });
};
