import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { schemaDrift } from "./migrator.ts";

const folder = dirname(fileURLToPath(import.meta.resolve("@taskwire/migrations")));

const statements = (sql: string): string =>
  sql
    .split(/;\n+/)
    .map((statement) => statement.replace(/;$/, "").trim())
    .filter((statement) => statement !== "")
    .map((statement) => `    this.addSql(${JSON.stringify(statement)});`)
    .join("\n");

const pascalCase = (name: string): string =>
  name.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());

/**
 * Writes a migration for what the entities have and the migrations do not, and lists it in index.ts.
 * @param name words in lower case, joined by _
 * @param now names the file, in UTC to the second
 * @returns the paths written
 */
export const createMigration = async (
  name: string,
  now: Date,
  directory = folder,
): Promise<string[]> => {
  const stamp = now.toISOString().replace(/\D/g, "").slice(0, 14);
  const [full, className] = [`${stamp}_${name}`, pascalCase(name)];
  const { up, down } = await schemaDrift();
  const file = join(directory, `${full}.ts`);
  const source = `import { Migration } from "@mikro-orm/migrations";

export class ${className} extends Migration {
  override up(): void {
${statements(up)}
  }

  override down(): void {
${statements(down)}
  }
}
`;
  await writeFile(file, source, { flag: "wx" });
  const index = join(directory, "index.ts");
  const listed = (await readFile(index, "utf8"))
    .replace("\n/**", `import { ${className} } from "./${full}.ts";\n\n/**`)
    .replace(/,?\s*\];\s*$/, `,\n  { name: "${full}", class: ${className} },\n];\n`);
  await writeFile(index, listed);
  return [file, index];
};
