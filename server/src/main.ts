import { keepCompiledCode, limitMemory } from "./cli/process-options.ts";

// Not for a program that imports this file: it would start again.
if (import.meta.main) limitMemory();
keepCompiledCode();
// Imported after that: what is imported above is compiled before any code runs.
await import("./cli/serve.ts");
