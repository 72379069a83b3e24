import type { AnyTRPCProcedure, AnyTRPCRouter } from "@trpc/server";
import { z } from "zod";
import { type JsonSchema, referencedName, toJsonSchema } from "../rest/json-schema.ts";
import { schemasOf } from "../rest/operations.ts";
import { metaOf, proceduresOf } from "../rpc/meta.ts";
import { declarationOf, docComment, fieldsOf, typeOf } from "./typescript.ts";

const header = `// Generated from the server's router by \`pnpm generate\`. Do not edit.
import type { TRPCMutationProcedure, TRPCQueryProcedure } from "@trpc/server";

/**
 * Makes tRPC infer exactly \`Output\`. It would infer a copy, whose fields are all optional in an app without \`strict\`.
 */
type Exact<Output> = Output extends object ? { toJSON: () => Output } : Output;

type Query<Input, Output> = TRPCQueryProcedure<{
  input: Input;
  output: Exact<Output>;
  meta: object;
}>;
type Mutation<Input, Output> = TRPCMutationProcedure<{
  input: Input;
  output: Exact<Output>;
  meta: object;
}>;
`;

/** Returns "TaskAddTag" for "task.addTag". */
const pascalCase = (path: string): string =>
  path.replace(/(?:^|\.)(\w)/g, (_, letter: string) => letter.toUpperCase());

/** The exported types by name, in the order of their first use. */
class Declarations {
  readonly #texts = new Map<string, string>();

  /** @throws {TypeError} if another type has this name */
  add(name: string, text: string): void {
    if ((this.#texts.get(name) ?? text) !== text) {
      throw new TypeError(`Two schemas become the type ${name}: give one another id in its meta`);
    }
    this.#texts.set(name, text);
  }

  /** Converts a schema, and declares each type that it refers to. */
  convert(zodSchema: z.ZodType, io: "input" | "output"): JsonSchema {
    const { schema, components } = toJsonSchema(zodSchema, io);
    for (const [name, component] of Object.entries(components))
      this.add(name, declarationOf(name, component));
    return schema;
  }

  get text(): string {
    return [...this.#texts.values()].join("\n");
  }
}

/** Returns the type of a procedure's input. Several inputs become an interface that extends those with a name. */
const inputTypeOf = (
  path: string,
  inputs: readonly z.ZodType[],
  declarations: Declarations,
): string => {
  const schemas = inputs.map((input) => declarations.convert(input, "input"));
  const [first, ...others] = schemas;
  if (first === undefined) return "void";
  const names = schemas.map(referencedName).filter((name) => name !== undefined);
  const isOptional = inputs.every((input) => input.safeParse(undefined).success);
  const orUndefined = isOptional ? " | undefined" : "";
  if (others.length === 0 && (names.length === 1 || first.type !== "object"))
    return typeOf(first) + orUndefined;
  const name = `${pascalCase(path)}Input`;
  const bases = names.length === 0 ? "" : ` extends ${names.join(", ")}`;
  const fields = schemas.map((schema) => fieldsOf(schema)).join("");
  declarations.add(name, `export interface ${name}${bases} {\n${fields}}\n`);
  return name + orUndefined;
};

/** Returns the type of a procedure's output, named after its own schema, the part that REST publishes, or the procedure. */
const outputTypeOf = (
  path: string,
  procedure: AnyTRPCProcedure,
  output: z.ZodType,
  declarations: Declarations,
): string => {
  if (output instanceof z.ZodVoid) return "void";
  const schema = declarations.convert(output, "output");
  if (schema.type !== "object") return typeOf(schema);
  const name = metaOf(procedure).rest?.output?.meta()?.id ?? `${pascalCase(path)}Output`;
  declarations.add(name, declarationOf(name, schema));
  return name;
};

/** Routers by name, and the printed procedures in them. */
interface Tree {
  [name: string]: Tree | string;
}

/** Prints each router as an object type with its procedures as fields. */
const printTree = (tree: Tree, indent: string): string =>
  Object.entries(tree)
    .map(([name, value]) =>
      typeof value === "string"
        ? value
        : `${indent}${name}: {\n${printTree(value, `${indent}  `)}${indent}};\n`,
    )
    .join("");

/** Returns the TypeScript file that declares a router's procedures, inputs and outputs, without zod or server code. */
export const clientTypes = (router: AnyTRPCRouter): string => {
  const declarations = new Declarations();
  const tree: Tree = {};
  for (const [path, procedure] of proceduresOf(router)) {
    const { inputs, output } = schemasOf(procedure);
    const input = inputTypeOf(path, inputs, declarations);
    const result = outputTypeOf(path, procedure, output, declarations);
    const type = procedure._def.type === "query" ? "Query" : "Mutation";
    const routers = path.split(".");
    const name = routers.pop() ?? "";
    let parent = tree;
    // A name is a router or a procedure, never both.
    for (const each of routers) parent = (parent[each] ??= {}) as Tree;
    const indent = "  ".repeat(routers.length + 1);
    parent[name] =
      docComment([metaOf(procedure).rest?.summary], indent) +
      `${indent}${name}: ${type}<${input}, ${result}>;\n`;
  }
  return `${header}
/** Every procedure of the API. */
export interface Procedures {
${printTree(tree, "  ")}}

${declarations.text}`;
};
