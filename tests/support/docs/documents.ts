import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The folder of the whole project. */
export const root = join(import.meta.dirname, "../../..");

/** A file's text, by its path in the project. */
export const textOf = (path: string): string => readFileSync(join(root, path), "utf8");

/** A fenced block of Markdown. */
interface Block {
  language: string;
  /** The file that it shows, if its fence names one. */
  path: string | undefined;
  text: string;
}

const fence = /^```(\w*)(?: (\S+))?\n(.*?)^```$/gms;

export const blocksOf = (markdown: string): Block[] =>
  [...markdown.matchAll(fence)].map(([, language = "", path, text = ""]) => ({
    language,
    path,
    text,
  }));

/** Every `code` of the running text. */
export const inlineCodeOf = (markdown: string): string[] =>
  [...markdown.replaceAll(fence, "").matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);

/** What lies between the comments <!-- name --> and <!-- /name -->. */
export const partOf = (markdown: string, name: string): string => {
  const part = new RegExp(`<!-- ${name} -->(.*)<!-- /${name} -->`, "s").exec(markdown)?.[1];
  if (part === undefined) throw new Error(`No part ${name}`);
  return part;
};

/** The lines before and after a diff block, which has no header and one hunk. */
export const diffOf = (block: Block): { before: string; after: string } => {
  const lines = block.text.split("\n").slice(0, -1);
  const target = (sign: string) =>
    lines
      .filter((line) => line === "" || line.startsWith(" ") || line.startsWith(sign))
      .map((line) => `${line.slice(1)}\n`)
      .join("");
  return { before: target("-"), after: target("+") };
};

/** The project's documents, by their paths; `tests/contract` is a copy of the contract and is not among them. */
export const documents = globSync(["*.md", "docs/*.md", "tests/*.md"], { cwd: root }).toSorted();

/** Returns the targets of all links that stay inside the project. */
export const linksOf = (markdown: string): { path: string; anchor: string | undefined }[] =>
  [...markdown.replaceAll(fence, "").matchAll(/\]\(([^):#]*)(?:#([^)]+))?\)/g)].map(
    ([, path = "", anchor]) => ({ path, anchor }),
  );

/** Returns the anchors that GitHub gives to the headings. */
export const anchorsOf = (markdown: string): string[] =>
  [...markdown.replaceAll(fence, "").matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
