import {
  type AppRouter,
  type ErrorBody,
  type ErrorCode,
  errors,
  type RouterInputs,
  type RouterOutputs,
} from "@taskwire/client";
import type { createTRPCClient, TRPCClientError } from "@trpc/client";
import { expectTypeOf, test } from "vitest";

/** Checked by tsc alone: nothing here runs. */
type Client = ReturnType<typeof createTRPCClient<AppRouter>>;

interface User {
  id: string;
  email: string;
  name: string | null;
  created_at: string;
}

test("inputs have the schemas' fields", () => {
  expectTypeOf<RouterInputs["auth"]["register"]>().toEqualTypeOf<{
    email: string;
    password: string;
    name?: string | null | undefined;
  }>();
  expectTypeOf<RouterInputs["auth"]["login"]>().toEqualTypeOf<{
    email: string;
    password: string;
  }>();
  expectTypeOf<RouterInputs["auth"]["refresh" | "logout" | "me"]>().toEqualTypeOf<void>();
});

test("outputs have the declared fields, and no others", () => {
  expectTypeOf<RouterOutputs["auth"]["register" | "me"]>().toEqualTypeOf<User>();
  expectTypeOf<RouterOutputs["auth"]["login" | "refresh"]>().toEqualTypeOf<{
    access_token: string;
    token_type: "bearer";
  }>();
  expectTypeOf<RouterOutputs["auth"]["logout"]>().toEqualTypeOf<{ message: string }>();
});

test("a client knows queries from mutations, and what each takes and gives", () => {
  expectTypeOf<Client["auth"]["me"]["query"]>().returns.resolves.toEqualTypeOf<User>();
  expectTypeOf<Client["auth"]["register"]["mutate"]>()
    .parameter(0)
    .toEqualTypeOf<RouterInputs["auth"]["register"]>();
  expectTypeOf<Client["auth"]["me"]>().not.toHaveProperty("mutate");
  expectTypeOf<Client["auth"]["login"]>().not.toHaveProperty("query");
  expectTypeOf<Client["auth"]>().not.toHaveProperty("delete");
});

test("an error's data has the table's codes", () => {
  type Data = NonNullable<TRPCClientError<AppRouter>["data"]>;
  expectTypeOf<Data>().toEqualTypeOf<ErrorBody & { httpStatus: number }>();
  expectTypeOf<Data["code"]>().toEqualTypeOf<ErrorCode>();
  expectTypeOf<"TASK_NOT_FOUND">().toExtend<ErrorCode>();
  expectTypeOf<"NO_SUCH_CODE">().not.toExtend<ErrorCode>();
  expectTypeOf(errors.INVALID_CREDENTIALS.detail).toEqualTypeOf<"Invalid email or password">();
});
