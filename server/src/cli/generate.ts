import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { brunoFolder, generatedFiles, root } from "../codegen/files.ts";
import { appRouter } from "../rpc/router.ts";
import { run } from "./executable.ts";

run(async () => {
  const files = generatedFiles(appRouter);
  // So that no request of a former operation remains.
  await rm(join(root, brunoFolder), { recursive: true, force: true });
  for (const { name, path, text } of files) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    console.log(`Wrote ${name}`);
  }
});
