import { migrateDown, migrateUp } from "@taskwire/server/db/migration-run.ts";
import { pendingMigrations } from "@taskwire/server/db/migrator.ts";
import type { Orm } from "@taskwire/server/db/orm.ts";
import { migrations } from "@taskwire/migrations";
import { afterEach, beforeEach, expect, test } from "vitest";
import { catalogOf } from "../support/setup/schema-catalog.ts";
import { cloneDatabase } from "../support/setup/database.ts";

let orm: Orm;
beforeEach(async () => {
  orm = await cloneDatabase();
});
afterEach(() => orm.close());

const names = migrations.map(({ name }) => name);

/** Reverts all migrations, one by one. Returns their names, newest first. */
const revertAll = async (): Promise<string[]> => {
  const [reverted] = await migrateDown(orm);
  return reverted === undefined ? [] : [reverted, ...(await revertAll())];
};

test("migrations are listed in the order of their names, which start with a timestamp", () => {
  for (const name of names) expect(name).toMatch(/^2\d{13}_[a-z0-9]+(?:_[a-z0-9]+)*$/);
  expect(names).toEqual(names.toSorted());
});

test("the migrated schema equals the schema of the entities", async () => {
  expect(await orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe("");
});

test("reverting all migrations removes every table, also with rows in them, and up creates the same schema again", async () => {
  await orm.em.fork().execute(
    `with owner as (insert into users (email, password_hash) values ('a@b.c', 'x') returning id)
     insert into sessions (id, user_id, address, created_at, rotated_at, expires_at, ends_at)
     select gen_random_uuid(), id, '192.0.2.1', now(), now(), now(), now() from owner`,
  );
  const before = await catalogOf(orm);
  expect(await revertAll()).toEqual(names.toReversed());
  const { columns } = await catalogOf(orm);
  expect(columns.filter((line) => !line.startsWith("migrations."))).toEqual([]);
  expect(await pendingMigrations(orm)).toEqual(names);
  expect(await migrateUp(orm)).toEqual(names);
  expect(await catalogOf(orm)).toEqual(before);
  expect(await migrateUp(orm)).toEqual([]);
});

test("the newest migration can be reverted and applied again", async () => {
  const [newest] = await migrateDown(orm);
  expect(await migrateUp(orm)).toEqual([newest]);
});

test("listing pending migrations creates no table, not even in an empty database", async () => {
  await revertAll();
  await orm.em.fork().execute("drop table migrations");
  expect(await pendingMigrations(orm)).toEqual(names);
  expect((await catalogOf(orm)).columns).toEqual([]);
});
