import { writeFile } from "node:fs/promises";
import { generatedFiles } from "../codegen/files.ts";
import { appRouter } from "../rpc/router.ts";
import { run } from "./executable.ts";

run(async () => {
  for (const { name, path, text } of generatedFiles(appRouter)) {
    await writeFile(path, text);
    console.log(`Wrote ${name}`);
  }
});
