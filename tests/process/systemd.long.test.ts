import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { environment } from "@taskwire/server/config.ts";
import { expect, test } from "vitest";
import { root, textOf } from "../support/docs/documents.ts";
import { startOptions } from "../support/process/executable.ts";
import { temporaryFolder } from "../support/process/test-process.ts";
import { skipsWithout } from "../support/setup/requirements.ts";

const unit = textOf("docs/operations/taskwire.service");
const valuesOf = (name: string): string[] =>
  [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value = ""]) => value);

test("docs/operations/taskwire.service names only settings that exist", () => {
  const names = valuesOf("Environment").map((setting) => setting.split("=")[0]);
  expect(names.length).toBeGreaterThan(0);
  // The last two are read by glibc and Node.
  const known = [...Object.keys(environment.shape), "MALLOC_ARENA_MAX", "NODE_COMPILE_CACHE"];
  expect(known).toEqual(expect.arrayContaining(names));
});

test("docs/operations/taskwire.service starts files that exist in the project, and reads its secret from the credential that it loads", () => {
  const [folder] = valuesOf("WorkingDirectory");
  const [node = "", ...command] = valuesOf("ExecStart").join(" ").split(" ");
  expect(node.startsWith(`${folder}/`)).toBe(true);
  expect(existsSync(join(root, node.replace(`${folder}/`, "")))).toBe(true);
  expect(command).toEqual([...startOptions, "server/src/main.ts"]);
  const [credential] = valuesOf("LoadCredential").join(" ").split(":");
  expect(valuesOf("Environment")).toContain(`JWT_SECRET_KEY_FILE=%d/${credential}`);
});

test.skipIf(skipsWithout("systemd-analyze"))(
  "systemd accepts docs/operations/taskwire.service, and rates its exposure below 2 of 10",
  async () => {
    const file = join(await temporaryFolder(), "taskwire.service");
    await writeFile(file, unit.replaceAll("/opt/taskwire", root));
    const analyze = (...args: string[]) =>
      spawnSync("systemd-analyze", [...args, file], { encoding: "utf8" });
    const { status, stderr } = analyze("verify", "--man=no");
    expect(stderr.split("\n").filter((line) => line.includes("taskwire"))).toEqual([]);
    expect(status).toBe(0);
    // In tenths.
    const { stdout, ...rating } = analyze("security", "--offline=true", "--threshold=20");
    expect(stdout).toMatch(/Overall exposure level .* [01]\.\d/);
    expect(rating.status).toBe(0);
  },
);
