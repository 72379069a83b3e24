import { OperatorError, reasonOf } from "../errors.ts";
import { storageIn, transactionally } from "./migration-transaction.ts";
import type { Step } from "./migration-statements.ts";
import type { Orm } from "./orm.ts";

/** Of the migration that is being applied, so that the next run continues after a failure. */
const progress = "migration_progress";

const stepsDone = async (orm: Orm, name: string): Promise<number> => {
  const em = orm.em.fork();
  await em.execute(
    `create table if not exists ${progress} ("name" text primary key, "steps" int not null)`,
  );
  const [row] = await em.execute<{ steps: number }[]>(
    `select steps from ${progress} where name = ?`,
    [name],
  );
  return row?.steps ?? 0;
};

const note = `insert into ${progress} values (?, ?) on conflict (name) do update set steps = excluded.steps`;

const apply = async (orm: Orm, step: Step, noted: [name: string, steps: number]): Promise<void> => {
  if ("statements" in step) {
    await transactionally(orm, async (em) => {
      for (const statement of step.statements) await em.execute(statement);
      await em.execute(note, noted);
    });
    return;
  }
  if ("repeated" in step) {
    let rows: readonly unknown[];
    do rows = await transactionally(orm, (em) => em.execute<unknown[]>(step.repeated));
    while (rows.length > 0);
    await orm.em.fork().execute(note, noted);
    return;
  }
  const em = orm.em.fork();
  // A build that failed leaves an index that no query uses.
  const invalid = await em.execute<unknown[]>(
    "select from pg_index where indexrelid = to_regclass(?) and not indisvalid",
    [step.index],
  );
  if (invalid.length > 0) await em.execute(`drop index concurrently "${step.index}"`);
  await em.execute(step.create);
  await em.execute(note, noted);
};

/**
 * Applies migrations while servers write. Every step commits, because an index cannot be built in a transaction without
 * blocking writes. The caller holds the lock of the migrations, on another connection.
 */
export const applyOnline = async (
  orm: Orm,
  planned: readonly { name: string; steps: readonly Step[] }[],
): Promise<string[]> => {
  const applied: string[] = [];
  for (const { name, steps } of planned) {
    let done = 0;
    try {
      done = await stepsDone(orm, name);
      for (const step of steps.slice(done)) await apply(orm, step, [name, ++done]);
      await transactionally(orm, async (em) => {
        await storageIn(em).logMigration({ name });
        await em.execute(`drop table ${progress}`);
      });
      applied.push(name);
    } catch (cause) {
      const before = applied.length === 0 ? "nothing" : applied.join(", ");
      throw new OperatorError(
        `Applied ${before}. ${name} failed at step ${done} of ${steps.length}: ${reasonOf(cause)}. Run \`pnpm migrate up\` again: it continues there.`,
        { cause },
      );
    }
  }
  return applied;
};
