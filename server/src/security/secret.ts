import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";

/**
 * The embedded server's own signing secret, made on the first start and kept, so that a restart signs nobody out.
 * @param dataDir holds it as `jwt-secret`, readable by the owner only (0600)
 * @throws when the file is there but holds no secret: a new one would sign everybody out unasked
 */
export const jwtSecret = async (dataDir: string, log: Logger): Promise<string> => {
  const path = join(dataDir, "jwt-secret");
  const made = randomBytes(32).toString("hex");
  try {
    await writeFile(path, `${made}\n`, { mode: 0o600, flag: "wx" });
    log.info(`Made a JWT secret and keep it in ${path}; set JWT_SECRET_KEY to use your own`);
    return made;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const kept = (await readFile(path, "utf8")).trim();
  if (/^[0-9a-f]{64,}$/i.test(kept)) return kept;
  throw new Error(
    `${path} does not hold 64 hex characters. Restore it, or remove it to make a new secret.`,
  );
};
