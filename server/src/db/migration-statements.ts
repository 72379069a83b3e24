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

/** Statements that run in one transaction, or an index that is built while others write. */
export type Step = { statements: string[] } | { index: string; create: string };

/**
 * Divides the statements of a migration: building an index on a table with rows would block all writes to that table.
 * @param empty the tables that no server uses yet
 */
export const stepsOf = (statements: readonly string[], empty: ReadonlySet<string>): Step[] => {
  const steps: Step[] = [];
  for (const text of statements) {
    const match = /^\s*(create (?:unique )?index) ("(\w+)" on "(\w+)".*)$/is.exec(text);
    const [, create = "", rest = "", index = "", table = ""] = match ?? [];
    const last = steps.at(-1);
    if (match !== null && !empty.has(table))
      steps.push({ index, create: `${create} concurrently if not exists ${rest}` });
    else if (last !== undefined && "statements" in last) last.statements.push(text);
    else steps.push({ statements: [text] });
  }
  return steps;
};

/** Returns the statements that may delete data: all but those that are known to keep every row. */
export const destructive = (statements: readonly string[]): string[] =>
  statements.filter((text) => !/^\s*(?:drop (?:index|function)|create)\b/i.test(text));
