import { cp, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../docs/documents.ts";
import { temporaryFolder } from "../process/process.ts";

/** Options of Node by which an executable finds the migrations in another folder. */
const redirectTo = (folder: string): string[] => {
  const index = JSON.stringify(pathToFileURL(join(folder, "index.ts")).href);
  const hook = `import { registerHooks } from "node:module";
    registerHooks({ resolve: (name, context, next) =>
      next(name === "@taskwire/migrations" ? ${index} : name, context) });`;
  return ["--import", `data:text/javascript,${encodeURIComponent(hook)}`];
};

/** A copy of the migrations with a change in each, and the options of Node to use it. */
export const copyMigrations = async (
  change: (source: string) => string,
): Promise<{ folder: string; node: string[] }> => {
  const folder = join(await temporaryFolder(), "migrations");
  const original = join(root, "migrations");
  await cp(original, folder, { recursive: true, filter: (path) => !path.endsWith("node_modules") });
  await symlink(join(original, "node_modules"), join(folder, "node_modules"));
  for (const name of await readdir(folder)) {
    if (!/^\d{14}_\w+\.ts$/.test(name)) continue;
    const path = join(folder, name);
    await writeFile(path, change(await readFile(path, "utf8")));
  }
  return { folder, node: redirectTo(folder) };
};
