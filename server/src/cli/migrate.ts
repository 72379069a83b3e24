import { createInterface } from "node:readline/promises";
import { connectPostgres } from "../db/postgres.ts";
import { openEmbedded } from "../db/embedded/open.ts";
import { migrateDown, migrateUp, nextDown } from "../db/migration-run.ts";
import { destructive } from "../db/migration-statements.ts";
import { migrationStatus, schemaDrift } from "../db/migrator.ts";
import { createMigration } from "../db/new-migration.ts";
import type { Orm } from "../db/orm.ts";
import { OperatorError, reasonOf } from "../errors.ts";
import { readConfig, run } from "./executable.ts";

const usage = `Usage: pnpm migrate COMMAND

  up            apply every pending migration
  down          revert the newest applied migration; asks before it deletes data, unless with --yes
  status        list the migrations, applied and pending; exits with 2 if some are pending
  create NAME   write a migration for the difference between entities and migrations; NAME like add_sessions
  check         compare entities and migrations; exits with 2 if they disagree

Options: --json prints the result of status or check as JSON; --yes lets down delete data`;

/** The exit code of a check that worked and whose result is "no"; 1 means that it failed. */
const exitCodeOfNo = 2;

interface Options {
  name: string | undefined;
  json: boolean;
  yes: boolean;
}

/** Runs work on the configured database, and closes the database after it, even if the work fails. */
const withDatabase = async (work: (orm: Orm) => Promise<void>): Promise<void> => {
  const { url, dataDir } = readConfig().database;
  const orm =
    url === undefined
      ? await openEmbedded(dataDir, {
          onCreate: () => console.log(`Creating an embedded database in ${dataDir}`),
          statementTimeout: false,
        })
      : await connectPostgres(url, { poolMin: 0, poolMax: 2, statementTimeout: false });
  try {
    await work(orm);
  } finally {
    await orm.close();
  }
};

/** Runs migrations, and prints their names. */
const runMigrations = async (
  migrate: (orm: Orm) => Promise<string[]>,
  messages: { done: string; none: string; failed: string },
): Promise<void> => {
  await withDatabase(async (orm) => {
    try {
      const names = await migrate(orm);
      const lines = names.map((name) => `${messages.done} ${name}`);
      console.log(names.length === 0 ? messages.none : lines.join("\n"));
    } catch (cause) {
      if (cause instanceof OperatorError) throw cause;
      throw new OperatorError(`${messages.failed}: ${reasonOf(cause)}`, { cause });
    }
  });
};

/** Rejects the next `down` if it deletes data and the operator does not agree. */
const confirmDown = async (orm: Orm): Promise<void> => {
  const next = await nextDown(orm);
  const losses = destructive(next?.statements ?? []);
  if (next === undefined || losses.length === 0) return;
  const warning = `Reverting ${next.name} deletes data:\n\n${losses.map((sql) => `  ${sql}\n`).join("")}`;
  if (!process.stdin.isTTY) {
    throw new OperatorError(`${warning}\nReverted nothing. Add --yes if you want that.`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${warning}\nType "yes" to continue: `);
  terminal.close();
  if (answer.trim() !== "yes") throw new OperatorError("Reverted nothing");
};

const commands: Partial<Record<string, (options: Options) => Promise<void>>> = {
  up: () =>
    runMigrations(migrateUp, {
      done: "Applied",
      none: "Nothing to apply",
      failed: "Applied nothing",
    }),
  down: ({ yes }) =>
    runMigrations(
      async (orm) => {
        if (!yes) await confirmDown(orm);
        return migrateDown(orm);
      },
      { done: "Reverted", none: "Nothing to revert", failed: "Reverted nothing" },
    ),
  status: ({ json }) =>
    withDatabase(async (orm) => {
      const status = await migrationStatus(orm);
      const pending = status.filter(({ appliedAt }) => appliedAt === null).map(({ name }) => name);
      const applied = status
        .filter(({ appliedAt }) => appliedAt !== null)
        .map(({ name, appliedAt }) => ({ name, applied_at: appliedAt }));
      if (json) console.log(JSON.stringify({ applied, pending }));
      else {
        for (const { name, applied_at } of applied) console.log(`applied  ${name}  ${applied_at}`);
        for (const name of pending) console.log(`pending  ${name}`);
      }
      if (pending.length > 0) process.exitCode = exitCodeOfNo;
    }),
  check: async ({ json }) => {
    const { up } = await schemaDrift();
    const agree = up === "";
    if (!agree) process.exitCode = exitCodeOfNo;
    if (json) console.log(JSON.stringify({ agree, sql: up }));
    else if (agree) console.log("Entities and migrations agree");
    else
      console.error(
        `Entities and migrations disagree. \`pnpm migrate create NAME\` would write:\n\n${up}`,
      );
  },
  create: async ({ name = "" }) => {
    const paths = await createMigration(name, new Date());
    console.log(paths.map((path) => `Wrote ${path}`).join("\n"));
  },
};

/** Returns the command and its options. An option that does not exist, or has no use there, is an error. */
const parseArguments = (): { command: string; options: Options } => {
  const args = process.argv.slice(2);
  const [command = "", name, ...more] = args.filter((arg) => !arg.startsWith("--"));
  const flags = args.filter((arg) => arg.startsWith("--"));
  const allowed = { status: ["--json"], check: ["--json"], down: ["--yes"] };
  const known: readonly string[] = new Map(Object.entries(allowed)).get(command) ?? [];
  const isKnown = flags.every((flag) => known.includes(flag));
  if (!isKnown || more.length > 0 || (name !== undefined && command !== "create"))
    throw new OperatorError(usage);
  return {
    command,
    options: { name, json: flags.includes("--json"), yes: flags.includes("--yes") },
  };
};

run(async () => {
  const { command, options } = parseArguments();
  const work = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (work === undefined) throw new OperatorError(usage);
  await work(options);
});
