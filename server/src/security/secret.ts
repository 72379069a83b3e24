import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { OperatorError } from "../errors.ts";

const pathIn = (dataDir: string): string => join(dataDir, "jwt-secret");

/** Quotes a path for a shell, if it needs quotes. */
const quoted = (path: string): string =>
  /^[\w./][\w./-]*$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;

/**
 * Rejects permissions with which another user of the machine could read or replace the secret.
 * @param forbidden the bits of the mode that must not be set
 */
const assertPrivate = (
  { mode }: { mode: number },
  path: string,
  rule: { forbidden: number; access: string; fix: string },
): void => {
  // On Windows, modes do not describe who has access.
  if (process.platform === "win32" || (mode & rule.forbidden) === 0) return;
  throw new OperatorError(
    `Other users of this machine can ${rule.access} ${path}, and so sign tokens. Run: chmod ${rule.fix} ${quoted(path)}`,
  );
};

const readPrivate = async (dataDir: string, path: string): Promise<string> => {
  const directory = await stat(dataDir);
  if (directory.isDirectory())
    assertPrivate(directory, dataDir, { forbidden: 0o022, access: "write to", fix: "700" });
  await using file = await open(path);
  // Of the open file, because another file may have its name by now.
  assertPrivate(await file.stat(), path, { forbidden: 0o066, access: "read or write", fix: "600" });
  return await readFile(file, "utf8");
};

/**
 * Reads the signing secret that an earlier start of the embedded server created.
 * @returns undefined if there is none yet
 * @throws {OperatorError} if it is damaged, or other users have access to it. Creating a new one without asking would
 *   sign all users out.
 */
export const readSecret = async (dataDir: string): Promise<string | undefined> => {
  const path = pathIn(dataDir);
  let text: string;
  try {
    text = await readPrivate(dataDir, path);
  } catch (cause) {
    if (cause instanceof OperatorError) throw cause;
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
 * @throws {OperatorError} if the stored secret is damaged, or other users have access to it
 */
export const loadOrCreateSecret = async (dataDir: string, log: Logger): Promise<string> => {
  const stored = await readSecret(dataDir);
  if (stored !== undefined) return stored;
  const [path, secret] = [pathIn(dataDir), randomBytes(32).toString("hex")];
  // Renamed, so that the file is never incomplete, even if the process is killed while it writes.
  // A file that a crash left is removed first: its permissions or a link would remain.
  await rm(`${path}.new`, { force: true });
  await writeFile(`${path}.new`, `${secret}\n`, { flag: "wx", mode: 0o600 });
  await rename(`${path}.new`, path);
  log.info(`Created a JWT secret in ${path}; set JWT_SECRET_KEY to use your own`);
  return secret;
};
