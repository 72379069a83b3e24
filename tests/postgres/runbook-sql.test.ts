import { Client } from "pg";
import { expect, onTestFinished, test } from "vitest";
import { blocksOf, textOf } from "../support/docs/documents.ts";
import { clonePostgres } from "../support/setup/database.ts";

const statements = blocksOf(textOf("docs/operations/runbooks.md").replaceAll(/^ +/gm, ""))
  .filter(({ language }) => language === "sql")
  .map(({ text }) => text);

test("PostgreSQL accepts every SQL statement of docs/operations/runbooks.md", async () => {
  const { url, drop } = await clonePostgres();
  onTestFinished(drop);
  const client = new Client(url);
  await client.connect();
  onTestFinished(() => client.end());
  expect(statements.length).toBeGreaterThan(5);
  for (const statement of statements) await client.query(statement);
});
