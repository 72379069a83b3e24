import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { OperatorError } from "../errors.ts";
import { schemaDrift } from "./migrator.ts";

const folder = dirname(fileURLToPath(import.meta.resolve("@taskwire/migrations")));

/** Returns source code with one `addSql` call for each statement, unformatted. */
const addSqlCalls = (sql: string): string =>
  sql
    .split(/;\n+/)
    .map((statement) => statement.replace(/;$/, "").trim())
    .filter((statement) => statement !== "")
    .map((statement) => `    this.addSql(\`${statement.replace(/[\\`]|\$\{/g, "\\$&")}\`);\n`)
    .join("");

const classNameOf = (name: string): string => {
  if (!/^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/.test(name)) {
    throw new OperatorError(
      "A migration's name must be words in lower case, joined by _, such as add_sessions",
    );
  }
  return name.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
};

/**
 * Writes a migration with the difference between the entities and the migrations, and lists it in index.ts. If there is
 * no difference, the migration is empty, to be written by hand.
 *
 * MikroORM's `migrator.create` was tried: it writes invalid SQL for our functions in `down`, nothing without a difference, and
 * would replace only the splitting into statements; class name, file form and index.ts stay ours.
 * @param name words in lower case, joined by _
 * @param now the time in the file's name, UTC, to the second
 * @returns the paths of the written files
 * @throws {OperatorError} if the name is malformed or its class already exists
 */
export const createMigration = async (name: string, now: Date): Promise<string[]> => {
  const className = classNameOf(name);
  const index = join(folder, "index.ts");
  const indexSource = await readFile(index, "utf8");
  if (className === "Migration" || new RegExp(`\\b${className}\\b`).test(indexSource)) {
    throw new OperatorError(
      `The name ${name} is already used: the class of a migration is named after it`,
    );
  }
  const { up, down } = await schemaDrift();
  const fullName = `${now.toISOString().replace(/\D/g, "").slice(0, 14)}_${name}`;
  const file = join(folder, `${fullName}.ts`);
  const source = `import { Migration } from "@mikro-orm/migrations";

export class ${className} extends Migration {
  override up(): void {
${addSqlCalls(up)}  }

  override down(): void {
${addSqlCalls(down)}  }
}
`;
  await writeFile(file, source, { flag: "wx" });
  await writeFile(
    index,
    indexSource
      .replace("\n/**", `import { ${className} } from "./${fullName}.ts";\n\n/**`)
      .replace(/,?\n?\];\n?$/, `,\n  { name: "${fullName}", class: ${className} },\n];\n`),
  );
  return [file, index];
};
