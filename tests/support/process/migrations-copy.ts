import { cp, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../docs/documents.ts";
import { temporaryFolder } from "./test-process.ts";

/** Returns options of Node that make an executable load the migrations from another folder. */
const redirectTo = (folder: string): string[] => {
  const index = JSON.stringify(pathToFileURL(join(folder, "index.ts")).href);
  const hook = `import { registerHooks } from "node:module";
    registerHooks({ resolve: (name, context, next) =>
      next(name === "@taskwire/migrations" ? ${index} : name, context) });`;
  return ["--import", `data:text/javascript,${encodeURIComponent(hook)}`];
};

/**
 * Copies the migrations to a temporary folder.
 * @param change maps the source of each migration
 * @returns the folder, and the options of Node that make an executable use it
 */
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
