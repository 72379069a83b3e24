import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { importKeys } from "@taskwire/server/security/keys.ts";
import { createTokens } from "@taskwire/server/security/tokens.ts";
import { signTokens, signedInUser, type SignedInUser } from "../client/signed-in-user.ts";
import { rest } from "../client/transports.ts";
import { freePort } from "../process/free-port.ts";
import { secret, startServer, type TestServer } from "../setup/server.ts";

/**
 * Server states: `strict` has rate limits of 1, `limited` allows one call a minute, `broken` has no tables, `unavailable` cannot
 * connect to a database.
 */
export type ServerState = "healthy" | "strict" | "limited" | "broken" | "unavailable";

/** A new account on a server, with the data that an exchange may need. Exchanges do not share environments. */
export interface Environment extends SignedInUser {
  url: string;
  /** Expired tokens. */
  expired: { token: string; cookie: string };
  /** The account's own task, which has the tag. */
  task_id: number;
  tag_id: number;
  /** A tag that the task does not have. */
  other: { tag_id: number; name: string };
}

const serverOptions = {
  healthy: {},
  broken: {},
  unavailable: {},
  strict: {
    env: { RATE_LIMIT_REGISTER: "1", RATE_LIMIT_LOGIN: "1", RATE_LIMIT_REFRESH: "1" },
  },
  limited: { env: { RATE_LIMIT_CALLS_PER_ADDRESS: "1" } },
} satisfies Record<ServerState, object>;

/** Returns a connection to PostgreSQL at an unused port, where every statement fails. */
const openUnreachable = async () => {
  const url = `postgresql://u@127.0.0.1:${await freePort()}/x`;
  return openPostgres(url, { poolMin: 0, poolMax: 1 });
};

/** @param env settings in place of those of the state */
export const startServerInState = async (
  state: ServerState,
  env?: Record<string, string>,
): Promise<TestServer> => {
  const database = state === "unavailable" ? { orm: await openUnreachable() } : {};
  const settings = env === undefined ? serverOptions[state] : { env };
  const server = await startServer({ ...settings, ...database });
  if (state === "broken") {
    const tables = "users, sessions, tasks, tags, task_tag_link";
    await server.deps.orm.em.fork().execute(`drop table ${tables} cascade`);
  }
  return server;
};

const past = new Date("2026-01-01");
const expiredTokens = createTokens({
  keys: await importKeys({ secrets: [secret] }),
  ttl: { access: 900, refresh: 604_800 },
  clock: () => past,
});

/** Calls a procedure that creates a row; returns the row's id. */
const create = async (url: string, procedure: string, input: unknown, token: string) => {
  const { data } = await rest.call(url, procedure, input, { token });
  return (data as { id: number }).id; // Safe: a created row has an id; a failure shows in the exchange.
};

/** Creates an environment. Only on a healthy server do the account and its rows exist in the database. */
export const createEnvironment = async (
  state: ServerState,
  server: TestServer,
): Promise<Environment> => {
  const { url } = server;
  const isHealthy = state === "healthy";
  const account = await signedInUser(server, { stored: isHealthy });
  const environment: Environment = {
    ...account,
    url,
    expired: await signTokens(expiredTokens, account, past),
    task_id: 1,
    tag_id: 1,
    other: { tag_id: 2, name: "Other" },
  };
  if (!isHealthy) return environment;
  const { token } = account;
  const task_id = await create(url, "task.create", { title: "A task" }, token);
  const tag_id = await create(url, "tag.create", { name: "A tag" }, token);
  await rest.call(url, "task.addTag", { task_id, tag_id }, { token });
  const other = {
    tag_id: await create(url, "tag.create", { name: "Other" }, token),
    name: "Other",
  };
  return { ...environment, task_id, tag_id, other };
};

/** Registers a user and returns the credentials. */
export const registerUser = async ({
  url,
}: Environment): Promise<{ email: string; password: string }> => {
  const { email, password } = await signedInUser({ url });
  return { email, password };
};
