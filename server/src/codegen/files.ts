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

/** Returns the files that follow from a router: the OpenAPI document and the client's types. */
export const generatedFiles = (router: AnyTRPCRouter): GeneratedFile[] =>
  [
    {
      name: "server/openapi.json",
      text: `${JSON.stringify(openApiDocument(router), null, 2)}\n`,
    },
    { name: "client/src/api.generated.ts", text: clientTypes(router) },
  ].map((file) => ({ ...file, path: join(root, file.name) }));
