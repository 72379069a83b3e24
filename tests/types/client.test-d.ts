import {
  type AppRouter,
  createClient,
  type ErrorCode,
  errors,
  isApiError,
  type RouterInputs,
  type RouterOutputs,
} from "@taskwire/client";
import type { AppRouter as ServerRouter } from "@taskwire/server/rpc/router.ts";
import type { inferRouterError, inferRouterInputs, inferRouterOutputs } from "@trpc/server";
import { expectTypeOf, test } from "vitest";

/** tsc checks this file; nothing here runs. */
test("the client's procedures have the inputs and outputs of the server's router", () => {
  expectTypeOf<RouterInputs>().toEqualTypeOf<inferRouterInputs<ServerRouter>>();
  expectTypeOf<RouterOutputs>().toEqualTypeOf<inferRouterOutputs<ServerRouter>>();
});

type Kinds<Record> = {
  [Name in keyof Record]: Record[Name] extends { _def: { type: infer Type } }
    ? Type
    : Kinds<Record[Name]>;
};

test("each procedure of the client is a query or mutation as in the server's router", () => {
  expectTypeOf<Kinds<AppRouter["_def"]["record"]>>().toEqualTypeOf<
    Kinds<ServerRouter["_def"]["record"]>
  >();
});

test("an error of the client has the server's error data", () => {
  expectTypeOf<inferRouterError<AppRouter>["data"]>().toExtend<
    inferRouterError<ServerRouter>["data"]
  >();
  expectTypeOf<inferRouterError<ServerRouter>["data"]>().toExtend<
    inferRouterError<AppRouter>["data"]
  >();
});

const client = createClient({ url: "http://localhost" });

test("the calls of a client have the types of the schemas", () => {
  expectTypeOf(client.auth.register.mutate).parameter(0).toEqualTypeOf<{
    email: string;
    password: string;
    name?: string | null | undefined;
  }>();
  expectTypeOf(client.auth.me.query).returns.resolves.toEqualTypeOf<{
    id: string;
    email: string;
    name: string | null;
    created_at: string;
  }>();
  expectTypeOf(client.task.patch.mutate)
    .parameter(0)
    .toExtend<{ task_id: number; title?: string | undefined }>();
  expectTypeOf(client.task.list.query).parameter(0).extract<undefined>().toEqualTypeOf<undefined>();
  expectTypeOf<RouterInputs["task"]["create"]["priority"]>().toEqualTypeOf<
    "low" | "medium" | "high" | undefined
  >();
  expectTypeOf(client.auth.me).not.toHaveProperty("mutate");
  expectTypeOf(client.task).not.toHaveProperty("remove");
});

test("isApiError narrows an error to the codes of the error table", () => {
  const error: unknown = undefined;
  if (isApiError(error)) expectTypeOf(error.data.code).toEqualTypeOf<ErrorCode>();
  expectTypeOf<"NO_SUCH_CODE">().not.toExtend<ErrorCode>();
  expectTypeOf(errors.INVALID_CREDENTIALS.detail).toEqualTypeOf<"Invalid email or password">();
});
