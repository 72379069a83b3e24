import { inspect } from "node:util";
import { AppError } from "@taskwire/shared";
import { TRPCError } from "@trpc/server";
import { expect, onTestFinished, test } from "vitest";
import { startDirectCalls } from "../support/setup/direct-calls.ts";
import { testClock } from "../support/setup/server.ts";

const email = "ada@example.com";
const password = "correct horse battery";

test("direct calls know the user, keep the cookie, and live by the test's clock", async () => {
  const { caller, clock, close } = await startDirectCalls({
    clock: testClock(new Date("2030-01-01T00:00:00Z")),
  });
  onTestFinished(close);

  const ada = await caller().auth.register({ email, password, name: "Ada" });
  expect(await caller(ada).auth.me()).toEqual(ada);

  const browser = caller();
  await browser.auth.login({ email, password });
  expect(await browser.auth.refresh()).toMatchObject({ token_type: "bearer" });
  clock.advance(7 * 24 * 3600 + 6);
  await expect(browser.auth.refresh()).rejects.toMatchObject({
    code: "UNAUTHORIZED",
    cause: { code: "REFRESH_TOKEN_EXPIRED" },
  });
});

test("a caller without a user, or after signing out, is nobody", async () => {
  const { caller, close } = await startDirectCalls();
  onTestFinished(close);
  const browser = caller();
  await expect(browser.auth.me()).rejects.toMatchObject({ cause: { code: "MISSING_TOKEN" } });
  await browser.auth.register({ email, password });
  await browser.auth.login({ email, password });
  await browser.auth.logout();
  await expect(browser.auth.refresh()).rejects.toMatchObject({
    cause: { code: "MISSING_REFRESH_TOKEN" },
  });
});

/** What a direct caller catches. */
const refusalOf = async (call: Promise<unknown>): Promise<TRPCError> => {
  const error = await call.then(
    () => new Error("The call succeeded"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof TRPCError)) throw error;
  return error;
};

test("a refusal's cause is the error of the table: code, sentence, field", async () => {
  const { caller, close } = await startDirectCalls();
  onTestFinished(close);
  const refusal = await refusalOf(caller().auth.register({ email: "nobody", password }));
  const detail = "Please provide a valid email address";
  expect(refusal).toMatchObject({ code: "BAD_REQUEST", message: detail });
  expect(refusal.cause).toBeInstanceOf(AppError);
  expect(refusal.cause).toMatchObject({ code: "INVALID_EMAIL", detail, field: "email" });
});

test("calls count towards the limit of their address", async () => {
  const { caller, close } = await startDirectCalls({ env: { RATE_LIMIT_LOGIN: "2" } });
  onTestFinished(close);
  const signIn = (address: string) =>
    refusalOf(caller(undefined, address).auth.login({ email, password }));
  for (const code of ["INVALID_CREDENTIALS", "INVALID_CREDENTIALS", "RATE_LIMIT_EXCEEDED"]) {
    expect((await signIn("192.0.2.1")).cause).toMatchObject({ code });
  }
  expect((await signIn("192.0.2.2")).cause).toMatchObject({ code: "INVALID_CREDENTIALS" });
});

test("an unexpected error is masked, and whole in the log", async () => {
  const { caller, deps, log, close } = await startDirectCalls();
  onTestFinished(close);
  await deps.orm.em.fork().execute("drop table users cascade");
  const refusal = await refusalOf(caller().auth.register({ email, password }));
  expect(refusal.code).toBe("INTERNAL_SERVER_ERROR");
  expect(refusal.cause).toMatchObject({ code: "INTERNAL_ERROR", detail: "Internal server error" });
  expect(inspect(refusal, { depth: null })).not.toMatch(/users|relation|42P01/);
  expect(log).toContainEqual(
    expect.objectContaining({
      level: "error",
      procedure: "auth.register",
      err: expect.objectContaining({
        message: expect.stringContaining('relation "users" does not exist'),
        code: "42P01",
        stack: expect.stringMatching(/\n +at /),
      }),
    }),
  );
});
