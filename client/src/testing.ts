import { type ErrorBody, type ErrorCode, errors } from "@taskwire/shared/errors";
import { TRPCClientError, type TRPCLink } from "@trpc/client";
import type { inferRouterOutputs } from "@trpc/server";
import { observable } from "@trpc/server/observable";
import type { AppRouter } from "./api.ts";
import type { Procedures, Token, User } from "./api.generated.ts";

/** Unlike tRPC's own inference, this does not add void to every input in an app without `strict`. */
type InputOf<Procedure> = Procedure extends { _def: { $types: { input: infer Input } } }
  ? Input
  : never;
type Outputs = inferRouterOutputs<AppRouter>;

/** Functions in place of procedures, with their types. */
export type MockHandlers = {
  [Room in keyof Procedures]?: {
    [Name in keyof Procedures[Room] & keyof Outputs[Room]]?: (
      input: InputOf<Procedures[Room][Name]>,
    ) => Outputs[Room][Name] | Promise<Outputs[Room][Name]>;
  };
};

/** Creates the error of a rejected call, for a handler to throw. */
export const apiError = (
  code: ErrorCode,
  { field, detail = errors[code].detail }: Partial<Pick<ErrorBody, "field" | "detail">> = {},
): TRPCClientError<AppRouter> =>
  TRPCClientError.from<AppRouter>({
    error: {
      code: -32_600,
      message: detail,
      data: { code, detail, httpStatus: statuses[errors[code].trpc], ...(field && { field }) },
    },
  });

/** The HTTP statuses of the table's tRPC codes. */
const statuses: Record<(typeof errors)[ErrorCode]["trpc"], number> = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_SUPPORTED: 405,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  UNPROCESSABLE_CONTENT: 422,
  TOO_MANY_REQUESTS: 429,
  INTERNAL_SERVER_ERROR: 500,
  SERVICE_UNAVAILABLE: 503,
};

/** A token that only a client reads: it has no signature. */
const tokenFor = ({ id }: User): Token => {
  const now = Math.floor(Date.now() / 1000);
  const content = { sub: id, sid: `session of ${id}`, iat: now, exp: now + 900 };
  return { access_token: `.${btoa(JSON.stringify(content))}.`, token_type: "bearer" };
};

/**
 * Returns a link that responds in place of a server: `createClient({ url: "", links: [mockLink({ task: { list } })] })`.
 * It has handlers for signing up, in and out, for the session and its user. Another call without a handler fails.
 * @param options.user the user of the session; without one, no sign-in succeeds
 * @param options.signedOut whether the session begins signed out, although there is a user
 */
export const mockLink = (
  handlers: MockHandlers,
  { user, signedOut = false }: { user?: User; signedOut?: boolean } = {},
): TRPCLink<AppRouter> => {
  let isSignedIn = !signedOut;
  const signIn = (): Token => {
    if (user === undefined) throw apiError("INVALID_CREDENTIALS");
    isSignedIn = true;
    return tokenFor(user);
  };
  const userOr = (code: ErrorCode): User => {
    if (user === undefined || !isSignedIn) throw apiError(code);
    return user;
  };
  const all: Record<string, Record<string, ((input: never) => unknown) | undefined> | undefined> = {
    ...handlers,
    auth: {
      register: () => user,
      refresh: () => tokenFor(userOr("MISSING_REFRESH_TOKEN")),
      login: signIn,
      logout: () => {
        isSignedIn = false;
        return { message: "Successfully logged out" };
      },
      me: () => userOr("MISSING_TOKEN"),
      ...handlers.auth,
    },
  };
  return () =>
    ({ op }) =>
      observable((observer) => {
        const [room = "", name = ""] = op.path.split(".");
        const handler = all[room]?.[name];
        const respond = async (): Promise<void> => {
          try {
            if (handler === undefined) throw new Error(`mockLink has no handler for ${op.path}`);
            // Safe: the client's types allow no other input for this path.
            const data = await handler(op.input as never);
            observer.next({ result: { type: "data", data } });
            observer.complete();
          } catch (error) {
            observer.error(TRPCClientError.from(error as Error));
          }
        };
        void respond();
      });
};
