import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { z } from "zod";

type Environment = Readonly<Record<string, string | undefined>>;

const path = z.string().optional();

/** For each setting that can hold a secret: the path of a file with its value. */
export const fileSettings = {
  DATABASE_URL_FILE: path,
  REDIS_URL_FILE: path,
  JWT_SECRET_KEY_FILE: path,
  JWT_PREVIOUS_SECRET_KEYS_FILE: path,
  JWT_PRIVATE_KEY_FILE: path,
  JWT_PUBLIC_KEYS_FILE: path,
};

/** Bits of a file's mode with which other users could read or write it. */
const ofOthers = 0o066;
/** Bits with which they could write it. */
const writableByOthers = 0o022;

/**
 * Returns whether other users have no access to an open file. A file of another user was mounted by a container's
 * platform, such as Kubernetes: its modes allow reading, so that the process can.
 */
const isPrivate = (file: number): boolean => {
  const { mode, uid } = fstatSync(file);
  const isMounted = process.getuid !== undefined && uid !== process.getuid();
  // On Windows, modes do not describe who has access.
  return process.platform === "win32" || (mode & (isMounted ? writableByOthers : ofOthers)) === 0;
};

/**
 * Reads the value of a setting.
 * @returns the text without white space at its end, or what the setting must be instead
 */
const read = (name: string, file: string): { value: string } | { problem: string } => {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, "r");
    if (name === "JWT_PRIVATE_KEY_FILE" && !isPrivate(descriptor)) {
      return {
        problem: "must name a file that other users cannot read or write: run chmod 600 on it",
      };
    }
    const value = readFileSync(descriptor, "utf8").trimEnd();
    return value === "" ? { problem: "must name a file that is not empty" } : { value };
  } catch (error) {
    // The message of the error has the path, which may be a secret in the wrong variable.
    const reason = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
    return { problem: `must name a file that the server can read${reason}` };
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
};

const isSet = (value: string | undefined): value is string =>
  value !== undefined && value.trim() !== "";

/**
 * Replaces each `NAME_FILE` of the environment by `NAME` with the file's text.
 * @returns the new environment, and a sentence for each file that cannot be used; none contains a value
 */
export const readSecretFiles = (env: Environment): { env: Environment; problems: string[] } => {
  const merged = { ...env };
  const problems: string[] = [];
  for (const fileSetting of Object.keys(fileSettings)) {
    const name = fileSetting.replace(/_FILE$/, "");
    const file = env[fileSetting];
    if (!isSet(file)) continue;
    const result = isSet(env[name])
      ? { problem: `must not be set together with ${name}` }
      : read(fileSetting, file);
    if ("value" in result) merged[name] = result.value;
    else problems.push(`${fileSetting} ${result.problem}`);
  }
  return { env: merged, problems };
};
