import { inspect } from "node:util";
import { AppError } from "@taskwire/shared";
import { TRPCError } from "@trpc/server";
import { expect, onTestFinished, test } from "vitest";
import { startDirectCalls } from "../support/setup/direct-calls.ts";
import { testClock } from "../support/setup/server.ts";

const email = "ada@example.com";
const password = "correct horse battery";

test("direct calls use the passed user, the caller's cookie and the test's clock", async () => {
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

test("an anonymous caller gets MISSING_TOKEN, and MISSING_REFRESH_TOKEN after signing out", async () => {
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

/** Returns the error that a direct call rejects with. */
const errorOf = async (call: Promise<unknown>): Promise<TRPCError> => {
  const error = await call.then(
    () => new Error("The call succeeded"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof TRPCError)) throw error;
  return error;
};

test("the cause of a rejection is the error of the table with code, detail and field", async () => {
  const { caller, close } = await startDirectCalls();
  onTestFinished(close);
  const error = await errorOf(caller().auth.register({ email: "no-address", password }));
  const detail = "Please provide a valid email address";
  expect(error).toMatchObject({ code: "BAD_REQUEST", message: detail });
  expect(error.cause).toBeInstanceOf(AppError);
  expect(error.cause).toMatchObject({ code: "INVALID_EMAIL", detail, field: "email" });
});

test("calls count towards the rate limit of their address, not of another address", async () => {
  const { caller, close } = await startDirectCalls({ env: { RATE_LIMIT_LOGIN: "2" } });
  onTestFinished(close);
  const signIn = (address: string) =>
    errorOf(caller(undefined, address).auth.login({ email, password }));
  for (const code of ["INVALID_CREDENTIALS", "INVALID_CREDENTIALS", "RATE_LIMIT_EXCEEDED"]) {
    expect((await signIn("192.0.2.1")).cause).toMatchObject({ code });
  }
  expect((await signIn("192.0.2.2")).cause).toMatchObject({ code: "INVALID_CREDENTIALS" });
});

test("an unexpected error is masked for the caller, and logged with message and stack", async () => {
  const { caller, deps, log, close } = await startDirectCalls();
  onTestFinished(close);
  await deps.orm.em.fork().execute("drop table users cascade");
  const error = await errorOf(caller().auth.register({ email, password }));
  expect(error.code).toBe("INTERNAL_SERVER_ERROR");
  expect(error.cause).toMatchObject({ code: "INTERNAL_ERROR", detail: "Internal server error" });
  expect(inspect(error, { depth: null })).not.toMatch(/users|relation|42P01/);
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
