import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Path of the project's root folder. */
export const root = join(import.meta.dirname, "../../..");

/** Returns the text of a file. @param path relative to the project's root */
export const textOf = (path: string): string => readFileSync(join(root, path), "utf8");

/** A fenced code block. */
interface Block {
  language: string;
  /** The path after the language, if the fence names the file that the block quotes. */
  path: string | undefined;
  text: string;
}

const fence = /^```(\w*)(?: (\S+))?\n(.*?)^```$/gms;

/** Returns the fenced code blocks of a Markdown text. */
export const blocksOf = (markdown: string): Block[] =>
  [...markdown.matchAll(fence)].map(([, language = "", path, text = ""]) => ({
    language,
    path,
    text,
  }));

/** Returns every `inline code` outside fenced blocks. */
export const inlineCodeOf = (markdown: string): string[] =>
  [...markdown.replaceAll(fence, "").matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);

/** Returns the text between the comments `<!-- name -->` and `<!-- /name -->`. */
export const partOf = (markdown: string, name: string): string => {
  const part = new RegExp(`<!-- ${name} -->(.*)<!-- /${name} -->`, "s").exec(markdown)?.[1];
  if (part === undefined) throw new Error(`No part named ${name}`);
  return part;
};

/** Returns the old and the new text of a diff block, which has no header and one hunk. */
export const diffOf = (block: Block): { before: string; after: string } => {
  const lines = block.text.split("\n").slice(0, -1);
  const textWith = (sign: string) =>
    lines
      .filter((line) => line === "" || line.startsWith(" ") || line.startsWith(sign))
      .map((line) => `${line.slice(1)}\n`)
      .join("");
  return { before: textWith("-"), after: textWith("+") };
};

/** The project's documents, by their paths; `tests/contract` is a copy of the contract and is not among them. */
export const documents = globSync(["*.md", "docs/*.md", "docs/operations/*.md", "tests/*.md"], {
  cwd: root,
}).toSorted();

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
