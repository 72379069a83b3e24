import { join } from "node:path";
import type { AnyTRPCRouter } from "@trpc/server";
import { openApiDocument } from "../rest/openapi.ts";
import { clientTypes } from "./client-types.ts";

const root = join(import.meta.dirname, "../../..");

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

/** Returns the files that follow from a router: the OpenAPI document and the client's types. */
export const generatedFiles = (router: AnyTRPCRouter): GeneratedFile[] => [
  generatedFile("server/openapi.json", `${JSON.stringify(openApiDocument(router), null, 2)}\n`),
  generatedFile("client/src/api.generated.ts", clientTypes(router)),
];
