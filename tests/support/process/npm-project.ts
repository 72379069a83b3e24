import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { temporaryFolder } from "./test-process.ts";

const run = promisify(execFile);

/** A folder outside the workspace, with packages from the registry. */
interface NpmProject {
  folder: string;
  /** Runs a program of the packages, or `node`; returns its output. Rejects if it fails. */
  run: (program: string, ...args: string[]) => Promise<string>;
  write: (name: string, text: string) => Promise<void>;
}

/** Installs packages, each with its exact version, in a folder that is removed when the test finishes. */
export const npmProject = async (...packages: readonly string[]): Promise<NpmProject> => {
  const folder = await temporaryFolder();
  const bin = join(folder, "node_modules", ".bin");
  const path = [bin, dirname(process.execPath), process.env["PATH"]].join(delimiter);
  // In CI some tools would otherwise ask questions, send usage figures or look for updates.
  const env = { ...process.env, PATH: path, REDOCLY_TELEMETRY: "off", NO_COLOR: "1" };
  const execute: NpmProject["run"] = async (program, ...args) => {
    const options = { cwd: folder, env, maxBuffer: 10_000_000 };
    // The programs print what is wrong to both outputs.
    const { stdout, stderr } = await run(program, args, options).catch((error: unknown) => {
      const { stdout: out = "", stderr: err = "" } = error as Partial<Record<string, string>>;
      throw new Error(`${program} ${args.join(" ")} failed:\n${out}${err}`, { cause: error });
    });
    return stdout + stderr;
  };
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
  await write("package.json", JSON.stringify({ private: true }));
  const options = ["--save-exact", "--ignore-scripts", "--no-audit", "--no-fund"];
  await execute("npm", "install", ...options, ...packages);
  return { folder, run: execute, write };
};
