import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const file = import.meta.resolve("@taskwire/server/cli/executable.ts");

test("an executable whose work never settles exits with 1 and an error, not with 0", async () => {
  const code = `import { run } from ${JSON.stringify(file)}; run(() => new Promise(() => {}));`;
  const args = ["--input-type=module", "--eval", code];
  await expect(promisify(execFile)(process.execPath, args)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      "Stopped before the work was done: it waits for a promise that never settles",
    ),
  });
});
