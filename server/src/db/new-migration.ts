import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { OperatorError } from "../errors.ts";
import { schemaDrift } from "./migrator.ts";

const folder = dirname(fileURLToPath(import.meta.resolve("@taskwire/migrations")));

/** Calls that run the SQL, one for each statement; `pnpm format` gives them their final shape. */
const callsOf = (sql: string): string =>
  sql
    .split(/;\n+/)
    .map((statement) => statement.replace(/;$/, "").trim())
    .filter((statement) => statement !== "")
    .map((statement) => `    this.addSql(\`${statement.replace(/[\\`]|\$\{/g, "\\$&")}\`);\n`)
    .join("");

const classNameOf = (name: string): string => {
  if (!/^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/.test(name)) {
    throw new OperatorError(
      "A migration's name is words in lower case, joined by _, such as add_sessions",
    );
  }
  return name.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
};

/**
 * Writes a migration for what the entities have and the migrations do not, and lists it in index.ts.
 * @param name words in lower case, joined by _
 * @param now names the file, in UTC to the second
 * @returns the paths written
 * @throws {OperatorError}
 */
export const createMigration = async (name: string, now: Date): Promise<string[]> => {
  const className = classNameOf(name);
  const index = join(folder, "index.ts");
  const listed = await readFile(index, "utf8");
  if (className === "Migration" || new RegExp(`\\b${className}\\b`).test(listed)) {
    throw new OperatorError(`The name ${name} is taken: a migration's class is named after it`);
  }
  const { up, down } = await schemaDrift();
  const full = `${now.toISOString().replace(/\D/g, "").slice(0, 14)}_${name}`;
  const file = join(folder, `${full}.ts`);
  const source = `import { Migration } from "@mikro-orm/migrations";

export class ${className} extends Migration {
  override up(): void {
${callsOf(up)}  }

  override down(): void {
${callsOf(down)}  }
}
`;
  await writeFile(file, source, { flag: "wx" });
  await writeFile(
    index,
    listed
      .replace("\n/**", `import { ${className} } from "./${full}.ts";\n\n/**`)
      .replace(/,?\s*\];\s*$/, `,\n  { name: "${full}", class: ${className} },\n];\n`),
  );
  return [file, index];
};
