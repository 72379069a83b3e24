import { existsSync } from "node:fs";
import { join } from "node:path";
import { environment } from "@taskwire/server/config.ts";
import { describe, expect, test } from "vitest";
import { blocksOf, diffOf, inlineCodeOf, partOf, root, textOf } from "../support/docs/documents.ts";

const readme = textOf("README.md");
const documents = ["README.md", "CONTRIBUTING.md"] as const;

/** Each setting with what a text makes of it; no text is the default. */
const settings = Object.entries(environment.shape);
const defaults = settings.map(([name, schema]) => [name, schema.parse(undefined)]);
const read = (found: ReadonlyMap<string, string>) =>
  [...found].map(([name, text]) => {
    const schema = settings.find(([key]) => key === name)?.[1];
    return [name, schema?.parse(text === "" ? undefined : text)];
  });

describe("every setting, with its default, is", () => {
  test("a line of .env.example, commented out, below a sentence about it", () => {
    const text = textOf(".env.example");
    const lines = text.matchAll(/^# [^\n]{10,}\n# ([A-Z_]+)=(.*)$/gm);
    expect(read(new Map([...lines].map(([, name = "", value = ""]) => [name, value])))).toEqual(
      defaults,
    );
    expect(text.split("\n").filter((line) => line !== "" && !line.startsWith("# "))).toEqual([]);
  });

  test("a row of the README's table", () => {
    const rows = readme.matchAll(/^\| `([A-Z_]+)` +\| (?:`([^`]+)`|unset) +\| \S/gm);
    expect(read(new Map([...rows].map(([, name = "", value = ""]) => [name, value])))).toEqual(
      defaults,
    );
  });
});

describe("the README shows", () => {
  const shown = blocksOf(readme.replace(partOf(readme, "recipe"), ""));

  test("the whole typed tour", () => {
    const tour = shown.find(({ path }) => path === "client/examples/tour.ts");
    expect(tour?.text).toBe(textOf("client/examples/tour.ts"));
  });

  test.each(shown.flatMap(({ path, text }) => (path === undefined ? [] : [[path, text] as const])))(
    "what is in %s",
    (path, text) => {
      expect(textOf(path)).toContain(text);
    },
  );
});

describe("the recipe", () => {
  const steps = blocksOf(partOf(readme, "recipe")).flatMap(({ path, ...block }) =>
    path === undefined ? [] : [{ path, ...block }],
  );

  test.each(steps.filter(({ language }) => language === "diff").map((step) => [step.path, step]))(
    "changes what is in %s",
    (path, step) => {
      expect(textOf(path)).toContain(diffOf(step).before);
    },
  );

  test.each(steps.filter(({ language }) => language !== "diff").map(({ path }) => [path]))(
    "makes %s, which is not there yet",
    (path) => {
      expect(existsSync(join(root, path))).toBe(false);
    },
  );
});

describe.each(documents)("%s", (name) => {
  const markdown = textOf(name);
  const code = inlineCodeOf(markdown);

  test("names only files and folders that are there", () => {
    const paths = code.filter(
      (text) =>
        /^[\w.-]+(?:\/[\w.-]+)+$/.test(text) ||
        /^[\w.-]+\.(?:ts|json|md|ya?ml|example)$/.test(text),
    );
    const links = [...markdown.matchAll(/\]\(([^):#]+)\)/g)].map(([, target = ""]) => target);
    expect(paths).not.toEqual([]);
    expect([...paths, ...links].filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test("names only scripts that package.json has", () => {
    const { scripts }: { scripts: object } = JSON.parse(textOf("package.json"));
    const shell = blocksOf(markdown).filter(({ language }) => language === "sh");
    const commands = [...code, ...shell.map(({ text }) => text)].join("\n");
    const named = [...commands.matchAll(/\bpnpm(?:@12)? ([\w-]+)/g)].map(([, script]) => script);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
    expect(named).toContain("verify");
  });
});

test("the lock file names no registry", () => {
  expect(textOf("pnpm-lock.yaml")).not.toMatch(/:\/\/|tarball/);
});
