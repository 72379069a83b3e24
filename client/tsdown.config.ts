import { defineConfig } from "tsdown";

export default defineConfig({
  entry: ["src/index.ts", "src/react.ts", "src/testing.ts"],
  platform: "neutral",
  target: "es2022",
  tsconfig: "../tsconfig.client.json",
  // shared is not published: its code and its types become part of this package.
  deps: { alwaysBundle: [/^@taskwire\/shared/] },
  dts: true,
  logLevel: "error",
});
