import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadOrCreateSecret } from "@taskwire/server/security/secret.ts";
import { createLogger } from "@taskwire/server/logger.ts";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";

const log = createLogger("silent");
const known = "0f".repeat(32);
let folder: string;
let dataDir: string;
let path: string;
const load = () => loadOrCreateSecret(dataDir, log);
const write = async (mode: string): Promise<void> => {
  await writeFile(path, `${known}\n`);
  await chmod(path, mode);
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskwire-secret-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  dataDir = join(folder, "data");
  path = join(dataDir, "jwt-secret");
  await mkdir(dataDir, { mode: 0o700 });
});

describe("a new secret", () => {
  test("is stored, and read again", async () => {
    const secret = await load();
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(await load()).toBe(secret);
    expect(await readdir(dataDir)).toEqual(["jwt-secret"]);
  });

  test.skipIf(process.platform === "win32").each([
    [
      "a complete file that others can read",
      (name: string) => writeFile(name, known, { mode: 0o666 }),
    ],
    ["an incomplete file", (name: string) => writeFile(name, "0f", { mode: 0o600 })],
    [
      "a file that its owner cannot write",
      (name: string) => writeFile(name, known, { mode: 0o400 }),
    ],
    ["a link to another file", (name: string) => symlink(join(folder, "elsewhere"), name)],
  ])("does not come from %s that a crash left as jwt-secret.new", async (_, leave) => {
    await leave(`${path}.new`);
    const secret = await load();
    expect(secret).not.toBe(known);
    expect(await readFile(path, "utf8")).toBe(`${secret}\n`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(dataDir)).toEqual(["jwt-secret"]);
    expect(await readdir(folder)).toEqual(["data"]);
  });
});

describe.skipIf(process.platform === "win32")("an existing secret", () => {
  test.each(["600", "400", "700"])("with the mode %s is used", async (mode) => {
    await write(mode);
    expect(await load()).toBe(known);
  });

  test.each(["640", "620", "604", "602", "644", "666"])(
    "with the mode %s is rejected with the command that changes it",
    async (mode) => {
      await write(mode);
      await expect(load()).rejects.toThrow(
        `Other users of this machine can read or write ${path}, and so sign tokens. Run: chmod 600 ${path}`,
      );
      expect(await readFile(path, "utf8")).toBe(`${known}\n`);
    },
  );
});

describe.skipIf(process.platform === "win32")("a data directory", () => {
  test.each(["700", "755"])("with the mode %s is used", async (mode) => {
    await chmod(dataDir, mode);
    await write("600");
    expect(await load()).toBe(known);
  });

  test.each(["770", "702", "720", "777", "1777"])(
    "with the mode %s is rejected with the command that changes it, and no secret is created",
    async (mode) => {
      await chmod(dataDir, mode);
      await expect(load()).rejects.toThrow(
        `Other users of this machine can write to ${dataDir}, and so sign tokens. Run: chmod 700 ${dataDir}`,
      );
      expect(await readdir(dataDir)).toEqual([]);
    },
  );

  test("whose path a shell would split is quoted in the command", async () => {
    dataDir = join(folder, "it's data");
    await mkdir(dataDir);
    await chmod(dataDir, 0o777);
    await expect(load()).rejects.toThrow(`Run: chmod 700 '${folder}/it'\\''s data'`);
  });
});
