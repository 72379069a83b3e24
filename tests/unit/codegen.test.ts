import { clientTypes } from "@taskwire/server/codegen/client-types.ts";
import { publicProcedure, router } from "@taskwire/server/rpc/trpc.ts";
import { describe, expect, test } from "vitest";
import { z } from "zod";

/** Returns what follows the fixed head of the generated file. */
const generate = (...args: Parameters<typeof router>): string =>
  clientTypes(router(...args)).replace(/^.*?(?=\/\*\* Every procedure)/s, "");

describe("the client's types of a router", () => {
  test("name the input and output of a procedure after it, where they have no id", () => {
    const get = publicProcedure
      .input(z.object({ id: z.number() }))
      .output(z.object({ size: z.number() }))
      .query(() => ({ size: 1 }));
    expect(generate({ file: router({ get }) })).toBe(`/** Every procedure of the API. */
export interface Procedures {
  file: {
    get: Query<FileGetInput, FileGetOutput>;
  };
}

export interface FileGetInput {
  id: number;
}

export interface FileGetOutput {
  size: number;
}
`);
  });

  test("refer to a schema with an id by that id, and extend it by the fields of another input", () => {
    const write = z.object({ name: z.string().meta({ maxLength: 9 }) }).meta({ id: "FileWrite" });
    const create = publicProcedure
      .input(write)
      .output(z.void())
      .mutation(() => undefined);
    const replace = publicProcedure
      .input(z.object({ id: z.number() }))
      .input(write)
      .output(z.array(z.string()))
      .mutation(() => []);
    expect(generate({ create, replace })).toBe(`/** Every procedure of the API. */
export interface Procedures {
  create: Mutation<FileWrite, void>;
  replace: Mutation<ReplaceInput, string[]>;
}

export interface FileWrite {
  /** @maxLength 9 */
  name: string;
}

export interface ReplaceInput extends FileWrite {
  id: number;
}
`);
  });

  test("print each field with its description, tags, optionality and default", () => {
    const input = z
      .object({
        "a-b": z.string().optional().meta({ description: "Ends a comment: */\nSecond line" }),
        count: z.number().default(3),
        inner: z.object({ flag: z.boolean().nullable() }),
        list: z.array(z.union([z.string(), z.number()])),
        map: z.record(z.string(), z.number()),
        kind: z.enum(["x", "y"]).nullish(),
        patched: z.boolean().meta({ default: true }).optional(),
        anything: z.unknown(),
      })
      .optional();
    const set = publicProcedure
      .input(input)
      .output(z.void())
      .mutation(() => undefined);
    expect(generate({ set })).toBe(`/** Every procedure of the API. */
export interface Procedures {
  set: Mutation<SetInput | undefined, void>;
}

export interface SetInput {
  /**
   * Ends a comment: *\\/
   * Second line
   */
  "a-b"?: string | undefined;
  /** @default 3 */
  count?: number | undefined;
  inner: {
    flag: boolean | null;
  };
  list: (string | number)[];
  map: Record<string, number>;
  kind?: "x" | "y" | null | undefined;
  patched?: boolean | undefined;
  anything: unknown;
}
`);
  });

  test("cannot be generated for two schemas of the same name, or without an output", () => {
    const one = z.object({ a: z.string() }).meta({ id: "OneGetInput" });
    const first = publicProcedure
      .input(one)
      .output(z.void())
      .query(() => undefined);
    const get = publicProcedure
      .input(z.object({}))
      .output(z.void())
      .query(() => undefined);
    expect(() => generate({ first, one: router({ get }) })).toThrow("OneGetInput");
    const silent = publicProcedure.query(() => 1);
    expect(() => generate({ silent })).toThrow("must declare its output");
  });
});
