import type { SqlEntityManager } from "@mikro-orm/postgresql";
import type { migrations } from "@taskwire/migrations";
import type { Orm } from "./orm.ts";

type KnownMigration = (typeof migrations)[number];

/** Returns the statements of a migration, in their order. */
export const statementsOf = (
  orm: Orm,
  { class: Class }: KnownMigration,
  direction: "up" | "down",
): string[] => {
  const migration = new Class(orm.em.getDriver(), orm.em.config);
  migration[direction]();
  return migration.getQueries().map((query) => {
    if (typeof query !== "string") throw new TypeError("A migration's statements must be texts");
    return query;
  });
};

/** Returns the names of the tables that statements create. */
export const tablesCreatedBy = (statements: readonly string[]): Set<string> =>
  new Set(statements.flatMap((text) => /^\s*create table "(\w+)"/i.exec(text)?.[1] ?? []));

/**
 * A statement that starts with this comment changes a table in batches: it is repeated, each time in a transaction of its
 * own, until it returns no row.
 */
const repetition = /^-- repeat for "(\w+)"\n/;

/** Statements that run in one transaction, one that is repeated, or an index that is built while others write. */
export type Step =
  | { statements: string[] }
  | { repeated: string }
  | { index: string; create: string };

/**
 * Divides the statements of a migration: building an index on a table with rows, or changing all its rows in one
 * transaction, would block writes to that table.
 * @param empty the tables that no server uses yet
 */
export const stepsOf = (statements: readonly string[], empty: ReadonlySet<string>): Step[] => {
  const steps: Step[] = [];
  for (const text of statements) {
    const match = /^\s*(create (?:unique )?index) ("(\w+)" on "(\w+)".*)$/is.exec(text);
    const [, create = "", rest = "", index = "", table = ""] = match ?? [];
    const last = steps.at(-1);
    const [, changed] = repetition.exec(text) ?? [];
    if (changed !== undefined && !empty.has(changed)) steps.push({ repeated: text });
    else if (match !== null && !empty.has(table))
      steps.push({ index, create: `${create} concurrently if not exists ${rest}` });
    else if (last !== undefined && "statements" in last) last.statements.push(text);
    else steps.push({ statements: [text] });
  }
  return steps;
};

/** Runs a statement in one transaction with others. */
export const runStatement = async (em: SqlEntityManager, text: string): Promise<void> => {
  let rows: readonly unknown[];
  do rows = await em.execute<unknown[]>(text);
  while (repetition.test(text) && rows.length > 0);
};

/** Returns the statements that may delete data: all but those that are known to keep every row. */
export const destructive = (statements: readonly string[]): string[] =>
  statements.filter((text) => !/^\s*(?:drop (?:index|function|trigger)|create)\b/i.test(text));
