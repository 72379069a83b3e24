import { join } from "node:path";
import type { AnyTRPCRouter } from "@trpc/server";
import { openApiDocument } from "../rest/openapi.ts";
import { brunoCollection } from "./bruno.ts";
import { clientTypes } from "./client-types.ts";

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

/** Returns the files that follow from a router: the OpenAPI document, the Bruno collection and the client's types. */
export const generatedFiles = (router: AnyTRPCRouter): GeneratedFile[] => {
  const document = openApiDocument(router);
  return [
    generatedFile("server/openapi.json", `${JSON.stringify(document, null, 2)}\n`),
    generatedFile("client/src/api.generated.ts", clientTypes(router)),
    ...Object.entries(brunoCollection(document)).map(([name, text]) =>
      generatedFile(`${brunoFolder}/${name}`, text),
    ),
  ];
};
