import { existsSync, globSync } from "node:fs";
import { dirname, join } from "node:path";
import { environment } from "@taskwire/server/config.ts";
import { events } from "@taskwire/server/log/events.ts";
import { describe, expect, test } from "vitest";
import {
  anchorsOf,
  blocksOf,
  diffOf,
  documents,
  inlineCodeOf,
  linksOf,
  partOf,
  root,
  textOf,
} from "../support/docs/documents.ts";

/** Each setting with the value that its schema parses from a text; an empty text means the default. */
const settings = Object.entries(environment.shape);
const defaults = settings.map(([name, schema]) => [name, schema.parse(undefined)]);
const parsed = (texts: ReadonlyMap<string, string>) =>
  [...texts].map(([name, text]) => {
    const schema = settings.find(([key]) => key === name)?.[1];
    return [name, schema?.parse(text === "" ? undefined : text)];
  });

describe("every setting, with its default, is", () => {
  test("a line of .env.example, commented out, below a sentence about it", () => {
    const text = textOf(".env.example");
    const lines = text.matchAll(/^# [^\n]{10,}\n# ([A-Z_]+)=(.*)$/gm);
    expect(parsed(new Map([...lines].map(([, name = "", value = ""]) => [name, value])))).toEqual(
      defaults,
    );
    expect(text.split("\n").filter((line) => line !== "" && !line.startsWith("# "))).toEqual([]);
  });

  test("a row of the table in docs/settings.md", () => {
    const rows = textOf("docs/settings.md").matchAll(
      /^\| `([A-Z_]+)` +\| (?:`([^`]+)`|unset) +\| \S/gm,
    );
    expect(parsed(new Map([...rows].map(([, name = "", value = ""]) => [name, value])))).toEqual(
      defaults,
    );
  });
});

describe("log messages", () => {
  const table = partOf(textOf("docs/operations.md"), "log");
  const rows = [...table.matchAll(/^\| (\w+) +\| (``?) ?([^ `].*?) ?\2 +\| \S/gm)].map(
    ([, level = "", , message = ""]) => ({ level, message }),
  );
  /** Matches a message in the code, where `…` of the document is any value. */
  const patternOf = (message: string): string =>
    message
      .split("…")
      .map((part) => part.replaceAll(/[$()*+.?[\]^{|}]/g, String.raw`\$&`))
      .join(".+");
  const source = globSync("server/src/**/*.ts", { cwd: root }).map(textOf).join("\n");
  const logged = [
    ...source.matchAll(/\blog\.(warn|error|fatal)\(\s*(?:\{.*?\},\s*)?(["`])(.+?)\2,?\s*\);/gs),
  ].map(([, level = "", , message = ""]) => [level, message] as const);

  test.each(rows.map(({ message }) => [message]))(
    "docs/operations.md lists %s, and the server has it",
    (message) => {
      expect(new RegExp(`["\`]${patternOf(message)}["\`]`).test(source)).toBe(true);
    },
  );

  test.each(logged)("the server logs %s: %s, and docs/operations.md lists it", (level, message) => {
    const listed = rows.filter((row) => new RegExp(`^${patternOf(row.message)}$`).test(message));
    expect(listed).toMatchObject([{ level }]);
  });

  test("are found in every call that logs a warning or an error", () => {
    expect(logged).toHaveLength(source.match(/\blog\.(?:warn|error|fatal)\(/g)?.length ?? 0);
  });
});

test("docs/operations.md lists every security event with its level, message and reasons", () => {
  const table = partOf(textOf("docs/operations.md"), "events");
  const rows = [...table.matchAll(/^\| `(\w+)` +\| (\w+) +\| `([^`]+)` +\| ([^|]*)\| [^|]{10,}/gm)];
  const listed = rows.map(([, name = "", level = "", message = "", reasons = ""]) => [
    name,
    { level, message, reasons: reasons.match(/\w+/g) ?? [] },
  ]);
  expect(Object.fromEntries(listed)).toEqual(events);
});

const recipe = partOf(textOf("docs/adding-a-procedure.md"), "recipe");

describe("the documents show", () => {
  const quotations = documents.flatMap((name) =>
    blocksOf(textOf(name).replace(recipe, "")).flatMap(({ path, text }) =>
      path === undefined ? [] : [{ name, path, text }],
    ),
  );

  test.each([
    ["README.md", "client/examples/quickstart.ts"],
    ["docs/client.md", "client/examples/tour.ts"],
  ])("in %s the whole %s", (document, path) => {
    const block = quotations.find((each) => each.name === document && each.path === path);
    expect(block?.text).toBe(textOf(path));
  });

  // The formatter removes the indentation of a block that begins inside a function.
  const withoutIndentation = (text: string): string => text.replaceAll(/^ +/gm, "");

  test.each(quotations.map(({ name, path, text }) => [name, path, text] as const))(
    "in %s what is in %s",
    (_, path, text) => {
      expect(withoutIndentation(textOf(path))).toContain(withoutIndentation(text));
    },
  );
});

describe("the recipe", () => {
  const steps = blocksOf(recipe).flatMap(({ path, ...block }) =>
    path === undefined ? [] : [{ path, ...block }],
  );

  test.each(steps.filter(({ language }) => language === "diff").map((step) => [step.path, step]))(
    "changes lines that %s contains",
    (path, step) => {
      expect(textOf(path)).toContain(diffOf(step).before);
    },
  );

  test.each(steps.filter(({ language }) => language !== "diff").map(({ path }) => [path]))(
    "creates %s, which does not exist",
    (path) => {
      expect(existsSync(join(root, path))).toBe(false);
    },
  );
});

describe.each(documents)("%s", (name) => {
  const markdown = textOf(name);
  const code = inlineCodeOf(markdown);
  const folder = dirname(name);

  test("names only files and folders that exist", () => {
    const paths = code.filter(
      (text) =>
        /^[\w.-]+(?:\/[\w.-]+)+$/.test(text) ||
        /^[\w.-]+\.(?:ts|json|md|ya?ml|example)$/.test(text),
    );
    const missing = paths.filter(
      (path) => !existsSync(join(root, path)) && !existsSync(join(root, folder, path)),
    );
    expect(missing).toEqual([]);
  });

  test("links only to files and headings that exist", () => {
    const broken = linksOf(markdown).filter(({ path, anchor }) => {
      const target = path === "" ? name : join(folder, path);
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(textOf(target)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test("names only scripts that package.json has", () => {
    const { scripts }: { scripts: object } = JSON.parse(textOf("package.json"));
    const shell = blocksOf(markdown).filter(({ language }) => language === "sh");
    const commands = [...code, ...shell.map(({ text }) => text)].join("\n");
    // `exec` is a command of pnpm itself.
    const named = [...commands.matchAll(/\bpnpm(?:@12)? (?!exec )([\w-]+)/g)].map(
      ([, script]) => script,
    );
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
  });
});

describe("the README", () => {
  const readme = textOf("README.md");

  test("has at most 200 lines", () => {
    expect(readme.trimEnd().split("\n").length).toBeLessThanOrEqual(200);
  });

  test("links to every other document, or docs/operations.md does", () => {
    const inOperations = linksOf(textOf("docs/operations.md"));
    const pages = new Set(inOperations.map(({ path }) => join("docs", path)));
    const isPage = (name: string) => name.startsWith("docs/operations/") && pages.has(name);
    const linked = linksOf(readme).map(({ path }) => path);
    const others = documents.filter((name) => name !== "README.md" && !isPage(name));
    expect(others).toEqual(expect.arrayContaining(["CONTRIBUTING.md", "tests/README.md"]));
    expect(linked).toEqual(expect.arrayContaining(others));
  });

  test.each(["README.md", "CONTRIBUTING.md"])(
    "and %s name files, and the command of CI",
    (name) => {
      const code = inlineCodeOf(textOf(name));
      expect(code.filter((text) => existsSync(join(root, text)))).not.toEqual([]);
      expect(code.some((text) => /\bpnpm(?:@12)? verify$/.test(text))).toBe(true);
    },
  );
});

test("the lock file names no registry", () => {
  expect(textOf("pnpm-lock.yaml")).not.toMatch(/:\/\/|tarball/);
});
