import { compileOnce } from "@taskwire/server/db/compile.ts";
import type { Database, Orm } from "@taskwire/server/db/orm.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cloneDatabase } from "../support/setup/database.ts";

let orm: Orm;
let database: Database;
beforeAll(async () => {
  orm = await cloneDatabase();
  database = orm.em.fork().getKysely();
});
afterAll(() => orm.close());

const insertUser = compileOnce((db, { email, name }: { email: string; name: string | null }) =>
  db.insertInto("users").values({ email, name, password_hash: "" }).returning(["email", "name"]),
);
const readUser = compileOnce((db, { email }: { email: string }) =>
  db.selectFrom("users").select("name").where("email", "=", email),
);

test("a compiled query runs with the values of each execution", async () => {
  const ada = { email: "ada@example.com", name: "Ada" };
  const bob = { email: "bob@example.com", name: null };
  expect(await insertUser(database, ada)).toEqual([ada]);
  expect(await insertUser(database, bob)).toEqual([bob]);
  expect(await readUser(database, ada)).toEqual([{ name: "Ada" }]);
  expect(await readUser(database, { email: "eve@example.com" })).toEqual([]);
});

test("a compiled query of a transaction is rolled back with it", async () => {
  const user = { email: "carol@example.com", name: "Carol" };
  const rolledBack = database.transaction().execute(async (transaction) => {
    await insertUser(transaction, user);
    expect(await readUser(transaction, user)).toEqual([{ name: "Carol" }]);
    throw new Error("Roll back");
  });
  await expect(rolledBack).rejects.toThrow("Roll back");
  expect(await readUser(database, user)).toEqual([]);
});

test("a compiled query that fails returns its connection to the pool", async () => {
  const user = { email: "dora@example.com", name: null };
  await insertUser(database, user);
  // More than the pool has connections.
  for (let i = 0; i < 12; i++)
    await expect(insertUser(database, user)).rejects.toMatchObject({ code: "23505" });
  expect(await readUser(database, user)).toEqual([{ name: null }]);
});

test("an ORM has one query builder, whose pool compiled queries use", () => {
  expect(orm.em.fork().getKysely()).toBe(database);
});
