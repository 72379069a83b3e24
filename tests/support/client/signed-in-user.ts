import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Tokens } from "@taskwire/server/security/tokens.ts";
import { tag, task, taskPageWithCursor, token as accessToken } from "@taskwire/shared";
import { decodeJwt } from "jose";
import { z } from "zod";
import type { TestServer } from "../setup/server.ts";
import { type CallResponse, refreshCookieOf, rest, type Transport } from "./transports.ts";

export type Task = z.output<typeof task>;
export type Tag = z.output<typeof tag>;

/** REST pages have no cursor. */
const taskPage = taskPageWithCursor.partial({ next_cursor: true });

/** A user with a session. All functions call with `token`, so that a test may replace it. */
export interface SignedInUser {
  id: string;
  email: string;
  password: string;
  /** The session's id. */
  sid: string;
  /** The access token. */
  token: string;
  /** The refresh token. */
  cookie: string;
  /** Calls a procedure through the user's transport, and returns the response, whatever its status. */
  call: (procedure: string, input?: unknown) => Promise<CallResponse>;
  /** Creates a task titled "A task" unless `fields` says otherwise. Throws, like all below, if the call fails. */
  newTask: (fields?: object) => Promise<Task>;
  newTag: (name?: string) => Promise<Tag>;
  task: (task_id: number) => Promise<Task>;
  page: (input?: object) => Promise<z.output<typeof taskPage>>;
}

interface SignedInUserOptions {
  /** The transport of the calls; REST by default. */
  transport?: Transport | undefined;
  /** A random address by default. */
  email?: string;
  /** A random id by default. Only for a server in this process, and not with `overHttp`. */
  id?: string;
  /** Registers and signs in through the transport, for a test of exactly that, or of what counts sign-ins. */
  overHttp?: boolean;
  /** If false, creates valid tokens without rows: for a server without a database, or a user that no longer exists. */
  stored?: boolean;
}

type Account = Pick<SignedInUser, "id" | "email" | "password" | "sid" | "token" | "cookie">;
type InProcess = Pick<TestServer, "deps" | "clock">;

/** Signs an access token, and a refresh token of a new session that is valid for a week. */
export const signTokens = async (
  tokens: Tokens,
  identity: Pick<Account, "id" | "email" | "sid">,
  now: Date,
): Promise<{ token: string; cookie: string }> => {
  const issuedAt = Math.floor(now.getTime() / 1000);
  return {
    token: await tokens.signAccess(identity),
    cookie: await tokens.signRefresh(
      { ...identity, generation: 0 },
      { issuedAt, expiresAt: issuedAt + 604_800 },
    ),
  };
};

/** Creates the tokens and, unless `stored` is false, the rows that registration and sign-in create. */
const createAccount = async (
  { deps, clock }: InProcess,
  { id, email, password }: Pick<Account, "id" | "email" | "password">,
  stored: boolean,
): Promise<Account> => {
  const now = clock.now();
  const identity = { id, email, sid: randomUUID() };
  if (stored) {
    await deps.orm.em.fork().execute(
      `with owner as (insert into users (id, email, password_hash) values (?, ?, ?) returning id)
         insert into sessions (id, user_id, address, created_at, rotated_at, expires_at, ends_at)
         select ?::uuid, id, '127.0.0.1', now, now, now + interval '7 days', now + interval '30 days'
         from owner, (select ?::timestamptz as now) clock`,
      [identity.id, email, await deps.passwords.hash(password), identity.sid, now.toISOString()],
    );
  }
  return { ...identity, password, ...(await signTokens(deps.tokens, identity, now)) };
};

/** How often to repeat a call of the set-up that gets 503, with a pause: a machine under load rejects some. */
const maxAttempts = 50;

/** Calls a procedure until its response is not SERVICE_UNAVAILABLE, and returns that response. */
const callWhenAvailable = async (call: () => Promise<CallResponse>): Promise<CallResponse> => {
  for (let attempt = 1; ; attempt++) {
    const response = await call();
    if (response.error?.code !== "SERVICE_UNAVAILABLE" || attempt === maxAttempts) return response;
    await sleep(100);
  }
};

/** Registers and signs in over HTTP. */
const register = async (
  url: string,
  transport: Transport,
  email: string,
  password: string,
): Promise<Account> => {
  const call = (procedure: string) =>
    callWhenAvailable(() => transport.call(url, procedure, { email, password }));
  // A registration that got 503 may still be stored, so that its repetition fails: the sign-in decides.
  const registered = await call("auth.register");
  const signedIn = await call("auth.login");
  const cookie = refreshCookieOf(signedIn)?.value;
  const isStored = [undefined, "EMAIL_ALREADY_EXISTS"].includes(registered.error?.code);
  if (!isStored || cookie === undefined) {
    throw new Error(`Not signed in: ${registered.text} ${signedIn.text}`);
  }
  const { access_token: token } = accessToken.parse(signedIn.data);
  const { sub: id, sid } = z.object({ sub: z.string(), sid: z.string() }).parse(decodeJwt(token));
  return { id, email, password, sid, token, cookie };
};

/**
 * Creates a user with a session: the one way to get a signed-in user in a test. For a server in this process it creates
 * rows and tokens directly, because that is fast and counts against no limit; otherwise it registers and signs in.
 * @param server a test server, or the URL of a server in another process
 */
export const signedInUser = async (
  server: { url: string } & Partial<InProcess>,
  {
    transport = rest,
    email = `${randomUUID()}@example.com`,
    id = randomUUID(),
    overHttp = false,
    stored = true,
  }: SignedInUserOptions = {},
): Promise<SignedInUser> => {
  const { url, deps, clock } = server;
  const password = "correct horse battery";
  const account =
    overHttp || deps === undefined || clock === undefined
      ? await register(url, transport, email, password)
      : await createAccount({ deps, clock }, { id, email, password }, stored);
  const call: SignedInUser["call"] = (procedure, input) =>
    transport.call(url, procedure, input, { token: user.token });
  const succeed = async (procedure: string, input?: unknown): Promise<unknown> => {
    const { error, text, data } = await callWhenAvailable(() => call(procedure, input));
    if (error !== undefined) throw new Error(`${procedure} failed: ${text}`);
    return data;
  };
  const user: SignedInUser = {
    ...account,
    call,
    newTask: async (fields) =>
      task.parse(await succeed("task.create", { title: "A task", ...fields })),
    newTag: async (name = "A tag") => tag.parse(await succeed("tag.create", { name })),
    task: async (task_id) => task.parse(await succeed("task.get", { task_id })),
    page: async (input) => taskPage.parse(await succeed("task.list", input)),
  };
  return user;
};
