import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { OperatorError } from "../errors.ts";

const pathIn = (dataDir: string): string => join(dataDir, "jwt-secret");

/**
 * The signing secret that an earlier start of the embedded server made, or nothing.
 * @throws {OperatorError} if it is broken: a new one made unasked would sign everybody out
 */
export const readSecret = async (dataDir: string): Promise<string | undefined> => {
  const path = pathIn(dataDir);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new OperatorError(`${path} cannot be read: ${String(cause)}`, { cause });
  }
  if (/^[0-9a-f]{64,}\s*$/i.test(text)) return text.trim();
  throw new OperatorError(
    `${path} does not hold 64 hex characters. Restore it, or remove it to make a new secret, which signs everybody out.`,
  );
};

/**
 * The embedded server's own signing secret, made on the first start and kept, so that a restart signs nobody out.
 * @param dataDir holds it as `jwt-secret`, readable by the owner only (0600); this process must have its lock
 * @throws {OperatorError}
 */
export const loadOrCreateSecret = async (dataDir: string, log: Logger): Promise<string> => {
  const kept = await readSecret(dataDir);
  if (kept !== undefined) return kept;
  const [path, made] = [pathIn(dataDir), randomBytes(32).toString("hex")];
  // Whole or not at all, even if the process is killed here.
  await writeFile(`${path}.new`, `${made}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
  log.info(`Made a JWT secret and keep it in ${path}; set JWT_SECRET_KEY to use your own`);
  return made;
};
