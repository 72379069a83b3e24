import { enableCompileCache } from "node:module";
import { join } from "node:path";

// Keeps compiled code for the next start, where the folder of the packages can be written. Threads read the variable.
const { directory } = enableCompileCache(
  join(import.meta.dirname, "../../node_modules/.cache/node"),
);
if (directory !== undefined) process.env["NODE_COMPILE_CACHE"] ??= directory;

// Imported after that: what is imported above is compiled before any code runs.
await import("./cli/serve.ts");
