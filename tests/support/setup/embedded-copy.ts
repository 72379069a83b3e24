import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbedded } from "@taskwire/server/db/embedded/open.ts";
import type { Orm } from "@taskwire/server/db/orm.ts";
import { onTestFinished } from "vitest";
import { copyEmbedded } from "./database.ts";

/** Opens a copy of the migrated embedded database, and adds its warnings to a list. It is removed when the test finishes. */
export const openCopy = async (warnings: string[]): Promise<Orm> => {
  const folder = await mkdtemp(join(tmpdir(), "taskwire-limit-"));
  await copyEmbedded(join(folder, "data"));
  const orm = await openEmbedded(join(folder, "data"), {
    log: { warn: (...args: unknown[]) => void warnings.push(String(args.at(-1))) },
  });
  onTestFinished(async () => {
    await orm.close();
    await rm(folder, { recursive: true, force: true });
  });
  return orm;
};
