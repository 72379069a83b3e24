import { type AnyTRPCProcedure, getTRPCErrorFromUnknown, TRPCError } from "@trpc/server";
import type { z } from "zod";
import type { ServiceContext } from "../services/context.ts";
import type { Context } from "./context.ts";
import { chainOf, runChain } from "./middleware/chain.ts";
import type { Meta } from "./meta.ts";

/**
 * Calls a procedure.
 * @param ctx the transport's context
 * @param input not validated yet
 * @throws {TRPCError} the same as the procedure itself
 */
export type Invoke = (ctx: Context, input: unknown) => Promise<unknown>;

/** What tRPC keeps of a procedure. */
interface Definition {
  type: "query" | "mutation" | "subscription";
  /** In the order of the builder's calls; the last one is the resolver. */
  middlewares: readonly unknown[];
  inputs: readonly z.ZodType[];
  output?: z.ZodType;
  resolver: (options: { ctx: ServiceContext; input: unknown }) => unknown;
  meta: Meta | undefined;
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Validates the input with each schema, and merges the results. */
const parseInput = (schemas: readonly z.ZodType[], input: unknown): unknown => {
  let result: unknown;
  try {
    for (const schema of schemas) {
      const parsed = schema.parse(input);
      result = isObject(result) && isObject(parsed) ? { ...result, ...parsed } : parsed;
    }
  } catch (cause) {
    throw new TRPCError({ code: "BAD_REQUEST", cause });
  }
  return result;
};

const parseOutput = (schema: z.ZodType, output: unknown): unknown => {
  try {
    return schema.parse(output);
  } catch (cause) {
    throw new TRPCError({
      code: "INTERNAL_SERVER_ERROR",
      message: "Output validation failed",
      cause,
    });
  }
};

/**
 * Makes one function of a procedure: its concerns, the validation of its input, its resolver, and the validation of its output.
 * tRPC itself copies the call's options several times for each of these, which takes longer than all of them.
 * @param name the path in the router, such as `task.create`
 * @param procedure with schemas that need not wait for anything
 */
export const compose = (name: string, procedure: AnyTRPCProcedure): Invoke => {
  // tRPC omits these fields from its public type. Every input and output of this project is a zod schema.
  const { type, middlewares, inputs, output, resolver, meta } =
    procedure._def as unknown as Definition;
  const chain = chainOf(middlewares[0]);
  const steps = [chain, ...inputs, output, resolver].filter((step) => step !== undefined);
  // With a middleware that is not known here, tRPC has to call the procedure.
  if (chain === undefined || middlewares.length !== steps.length)
    return (ctx, input) => {
      const getRawInput = () => Promise.resolve(input);
      return procedure({ path: name, getRawInput, ctx, type, signal: undefined, batchIndex: 0 });
    };
  const resolve = async (ctx: ServiceContext, input: unknown): Promise<unknown> => {
    try {
      const result = await resolver({ ctx, input: parseInput(inputs, input) });
      return output === undefined ? result : parseOutput(output, result);
    } catch (error) {
      throw getTRPCErrorFromUnknown(error);
    }
  };
  const call = { procedure: name, meta };
  return (ctx, input) => runChain(chain, ctx, call, (context) => resolve(context, input));
};
