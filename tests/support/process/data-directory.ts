import { join } from "node:path";
import { copyEmbedded } from "../setup/database.ts";

/**
 * Creates a migrated database in the default `DATA_DIR` of a server that is started in the folder. The server's first
 * start creates one too, but takes seconds.
 */
export const unpackDatabase = (folder: string): Promise<void> =>
  copyEmbedded(join(folder, ".data"));
