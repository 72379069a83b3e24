import { globSync } from "node:fs";
import { proceduresOf } from "@taskwire/server/rpc/meta.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { expect, test } from "vitest";
import { partOf, root, textOf } from "../support/docs/documents.ts";

const page = textOf("docs/operations/growth.md");
const table = partOf(page, "statements");
const rows = table
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, file = "", name = "", kind = "", user = "", replica = ""]) => ({
    file: file.replaceAll("`", ""),
    name: /\w+/.exec(name)?.[0] ?? "",
    kind,
    user,
    replica,
  }));

/** The start of a transaction is no statement. */
const execution =
  /(?<!transaction\(\))\.execute(?:TakeFirst(?:OrThrow)?)?(?:<[^(]*>)?\(|\bcompile(?:Once\(|ForColumns<)/g;

test("docs/operations/growth.md has a row for each statement of a service and a job", () => {
  const files = globSync("server/src/{services,jobs}/**/*.ts", { cwd: root });
  const inCode = files
    .map((file) => [file, textOf(file).match(execution)?.length ?? 0] as const)
    .filter(([, count]) => count > 0);
  const inTable = Map.groupBy(rows, ({ file }) => file);
  expect(new Map([...inTable].map(([file, { length }]) => [file, length]))).toEqual(
    new Map(inCode),
  );
});

test("each row names a function of its file", () => {
  const unknown = rows.filter(
    ({ file, name }) => !new RegExp(`^(?:export )?const ${name} =`, "m").test(textOf(file)),
  );
  expect(unknown).toEqual([]);
});

test("no statement that writes may run on a replica, and the text has the number of those that name the user", () => {
  expect(rows.filter(({ kind, replica }) => kind === "write" && replica !== "no")).toEqual([]);
  const named = rows.filter(({ user }) => user === "yes").length;
  expect(page).toContain(`Of ${rows.length} statements, ${named} name the user.`);
});

test("the page names the procedures that are queries", () => {
  const [, list = ""] = /procedures that are queries \((.*?)\)/s.exec(page) ?? [];
  const listed = [...list.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
  const queries = proceduresOf(appRouter).filter(([, { _def }]) => _def.type === "query");
  expect(listed.toSorted()).toEqual(queries.map(([name]) => name).toSorted());
});
