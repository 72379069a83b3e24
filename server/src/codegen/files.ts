import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AnyTRPCRouter } from "@trpc/server";
import { openApiDocument } from "../rest/openapi.ts";
import { brunoCollection } from "./bruno.ts";
import { clientTypes } from "./client-types.ts";
import { fieldLimits } from "./limits.ts";

/** The root of the repository. */
export const root = join(import.meta.dirname, "../../..");

/** A generated file of the repository. */
interface GeneratedFile {
  /** Relative to the root of the repository. */
  name: string;
  path: string;
  text: string;
}

const generatedFile = (name: string, text: string): GeneratedFile => ({
  name,
  path: join(root, name),
  text,
});

/** The folder whose files are all generated. */
export const brunoFolder = "docs/bruno";

/** Returns a generated file that replaces the part of a document between `<!-- name -->` and `<!-- /name -->`. */
const generatedPart = (file: string, name: string, text: string): GeneratedFile => {
  const part = new RegExp(`(?<=<!-- ${name} -->\n).*(?=<!-- /${name} -->)`, "s");
  const document = readFileSync(join(root, file), "utf8");
  if (!part.test(document)) throw new TypeError(`${file} has no part named ${name}`);
  return generatedFile(
    file,
    document.replace(part, () => `\n${text}\n`),
  );
};

/**
 * Returns the files that follow from a router: the OpenAPI document, the Bruno collection, the client's types and the table of
 * fields in docs/limits.md.
 */
export const generatedFiles = (router: AnyTRPCRouter): GeneratedFile[] => {
  const document = openApiDocument(router);
  return [
    generatedFile("server/openapi.json", `${JSON.stringify(document, null, 2)}\n`),
    generatedFile("client/src/api.generated.ts", clientTypes(router)),
    generatedPart("docs/limits.md", "fields", fieldLimits(router)),
    ...Object.entries(brunoCollection(document)).map(([name, text]) =>
      generatedFile(`${brunoFolder}/${name}`, text),
    ),
  ];
};
