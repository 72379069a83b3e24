import { parseConfig } from "../config.ts";
import { connectPostgres } from "../db/postgres.ts";
import { openEmbedded } from "../db/embedded/open.ts";
import { migrateDown, migrateUp, migrationStatus, schemaDrift } from "../db/migrator.ts";
import { createMigration } from "../db/new-migration.ts";
import type { Orm } from "../db/orm.ts";
import { OperatorError, reasonOf } from "../errors.ts";
import { loadEnvFile, run } from "./executable.ts";

const usage = `Usage: pnpm migrate COMMAND

  up            apply every pending migration
  down          revert the newest applied migration
  status        list the migrations, applied and pending
  create NAME   write a migration for the difference between entities and migrations; NAME like add_sessions
  check         fail if entities and migrations disagree`;

/** Runs work on the configured database, and closes the database after it, even if the work fails. */
const withDatabase = async (work: (orm: Orm) => Promise<void>): Promise<void> => {
  const { url, dataDir } = parseConfig(process.env).database;
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
      throw new OperatorError(`${messages.failed}: ${reasonOf(cause)}`, { cause });
    }
  });
};

const commands: Partial<Record<string, (name: string | undefined) => Promise<void>>> = {
  up: () =>
    runMigrations(migrateUp, {
      done: "Applied",
      none: "Nothing to apply",
      failed: "Applied nothing",
    }),
  down: () =>
    runMigrations(migrateDown, {
      done: "Reverted",
      none: "Nothing to revert",
      failed: "Reverted nothing",
    }),
  status: () =>
    withDatabase(async (orm) => {
      for (const { name, appliedAt } of await migrationStatus(orm)) {
        console.log(appliedAt === null ? `pending  ${name}` : `applied  ${name}  ${appliedAt}`);
      }
    }),
  check: async () => {
    const { up } = await schemaDrift();
    if (up !== "") {
      throw new OperatorError(
        `Entities and migrations disagree. \`pnpm migrate create NAME\` would write:\n\n${up}`,
      );
    }
    console.log("Entities and migrations agree");
  },
  create: async (name = "") => {
    const paths = await createMigration(name, new Date());
    console.log(paths.map((path) => `Wrote ${path}`).join("\n"));
  },
};

run(async () => {
  loadEnvFile();
  const [command = "", name] = process.argv.slice(2);
  const work = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (work === undefined) throw new OperatorError(usage);
  await work(name);
});
