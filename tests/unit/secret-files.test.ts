import { chmod, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileSettings, readSecretFiles } from "@taskwire/server/config/secret-files.ts";
import { ConfigError, parseConfig } from "@taskwire/server/config.ts";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";

let path: string;
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), "taskwire-files-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  path = join(folder, "value");
});

describe.each(Object.keys(fileSettings))("%s", (setting) => {
  const name = setting.replace(/_FILE$/, "");

  test.each(["\n", "\r\n", "\n\n", " \n", ""])(
    "names the file of the value, without %j at its end",
    async (end) => {
      await writeFile(path, `first\n second${end}`, { mode: 0o600 });
      const { env, problems } = readSecretFiles({ [setting]: path, [name]: " ", OTHER: "1" });
      expect(problems).toEqual([]);
      expect(env).toMatchObject({ [name]: "first\n second", OTHER: "1" });
    },
  );

  test("is rejected together with the setting itself", async () => {
    await writeFile(path, "text", { mode: 0o600 });
    expect(readSecretFiles({ [setting]: path, [name]: "value" }).problems).toEqual([
      `${setting} must not be set together with ${name}`,
    ]);
  });

  test("is rejected for a file that is missing, empty, or a folder, without quoting its path", async () => {
    const problemsOf = (file: string) => readSecretFiles({ [setting]: file }).problems;
    expect(problemsOf(path)).toEqual([
      `${setting} must name a file that the server can read (ENOENT)`,
    ]);
    expect(problemsOf(tmpdir())).toEqual([expect.stringContaining(`${setting} must name a file`)]);
    expect(problemsOf("a\0b")).toEqual([expect.stringMatching(/^\w+ must name a file .*read/)]);
    await writeFile(path, " \n", { mode: 0o600 });
    expect(problemsOf(path)).toEqual([`${setting} must name a file that is not empty`]);
    for (const file of [path, tmpdir()]) expect(problemsOf(file).join()).not.toContain(file);
  });

  test("counts as unset if it is empty", () => {
    expect(readSecretFiles({ [setting]: " ", [name]: "value" }).env[name]).toBe("value");
  });
});

test("problems of files are reported with those of other settings", () => {
  const { env, problems } = readSecretFiles({ PORT: "abc", REDIS_URL_FILE: path });
  const parse = () => parseConfig(env, problems);
  expect(parse).toThrow(ConfigError);
  expect(parse).toThrow(/REDIS_URL_FILE must name a file[^]*PORT must be/);
});

describe.skipIf(process.platform === "win32")("the modes of JWT_PRIVATE_KEY_FILE", () => {
  const problem =
    "JWT_PRIVATE_KEY_FILE must name a file that other users cannot read or write: run chmod 600 on it";
  const problemsWith = async (mode: string) => {
    await writeFile(path, "text");
    await chmod(path, mode);
    return readSecretFiles({ JWT_PRIVATE_KEY_FILE: path }).problems;
  };

  test.each(["600", "400", "700"])("%s is accepted", async (mode) => {
    expect(await problemsWith(mode)).toEqual([]);
  });

  test.each(["640", "620", "604", "602", "644", "666"])("%s is rejected", async (mode) => {
    expect(await problemsWith(mode)).toEqual([problem]);
  });

  // Only root can give a file to another user.
  test.skipIf(process.getuid?.() !== 0)(
    "of a file of another user, as platforms mount it, may allow reading, but not writing",
    async () => {
      await writeFile(path, "text");
      await chown(path, 65_534, 65_534);
      for (const mode of ["440", "444", "644"]) expect(await problemsWith(mode)).toEqual([]);
      for (const mode of ["660", "646"]) expect(await problemsWith(mode)).toEqual([problem]);
    },
  );

  test("of other settings' files are free", async () => {
    await writeFile(path, "text", { mode: 0o644 });
    expect(readSecretFiles({ JWT_SECRET_KEY_FILE: path }).problems).toEqual([]);
  });
});
