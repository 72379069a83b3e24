import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { OperatorError } from "../errors.ts";

const pathIn = (dataDir: string): string => join(dataDir, "jwt-secret");

/**
 * Reads the signing secret that an earlier start of the embedded server created.
 * @returns undefined if there is none yet
 * @throws {OperatorError} if it is damaged. Creating a new one without asking would sign all users out.
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
    `${path} does not hold 64 hex characters. Restore it, or remove it to create a new secret, which signs all users out.`,
  );
};

/**
 * Returns the embedded server's signing secret. The first start creates and stores it, so that users stay signed in
 * after a restart.
 * @param dataDir the folder of the file `jwt-secret`, which only the owner can read (0600); this process holds its lock
 * @throws {OperatorError} if the stored secret is damaged
 */
export const loadOrCreateSecret = async (dataDir: string, log: Logger): Promise<string> => {
  const stored = await readSecret(dataDir);
  if (stored !== undefined) return stored;
  const [path, secret] = [pathIn(dataDir), randomBytes(32).toString("hex")];
  // Renamed, so that the file is never incomplete, even if the process is killed while it writes.
  await writeFile(`${path}.new`, `${secret}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
  log.info(`Created a JWT secret in ${path}; set JWT_SECRET_KEY to use your own`);
  return secret;
};
