import { openPostgres } from "@taskwire/server/db/orm.ts";
import { createTokens } from "@taskwire/server/security/tokens.ts";
import { signTokens, signedInUser, type SignedInUser } from "../client/signed-in-user.ts";
import { type Transport, transports } from "../client/transports.ts";
import { freePort } from "../process/free-port.ts";
import { secret, startServer, type TestServer } from "../setup/server.ts";

/** A server in a state that makes it answer something. */
export type Place = "healthy" | "strict" | "broken" | "away";

/** One account of one server with all that an exchange may need, so that no exchange minds another. */
export interface World extends SignedInUser {
  url: string;
  /** Tokens of the past. */
  expired: { token: string; cookie: string };
  /** A password that fits the address, where somebody can sign in. */
  password: string;
  /** Makes it the account's own. */
  setPassword: () => Promise<unknown>;
  /** The account's own rows: the task has the tag. */
  task_id: number;
  tag_id: number;
  /** A tag that the task does not have. */
  other: { tag_id: number; name: string };
}

const [rest] = transports as [Transport];

const options = {
  healthy: {},
  broken: {},
  away: {},
  strict: {
    env: { RATE_LIMIT_REGISTER: "1", RATE_LIMIT_LOGIN: "1", RATE_LIMIT_REFRESH: "1" },
  },
} satisfies Record<Place, object>;

/** PostgreSQL at a port where nobody is. */
const nowhere = async () => {
  const url = `postgresql://u@127.0.0.1:${await freePort()}/x`;
  return openPostgres(url, { poolMin: 0, poolMax: 1 });
};

export const startPlace = async (place: Place): Promise<TestServer> => {
  const database = place === "away" ? { orm: await nowhere() } : {};
  const server = await startServer({ ...options[place], ...database });
  if (place === "broken") {
    const tables = "users, sessions, tasks, tags, task_tag_link";
    await server.deps.orm.em.fork().execute(`drop table ${tables} cascade`);
  }
  return server;
};

const past = new Date("2026-01-01");
const bygone = createTokens({
  secret,
  ttl: { access: 900, refresh: 604_800 },
  clock: () => past,
});

const idOf = async (url: string, procedure: string, input: unknown, token: string) => {
  const { data } = await rest.call(url, procedure, input, { token });
  return (data as { id: number }).id; // What was just made has an id.
};

export const newWorld = async (place: Place, server: TestServer): Promise<World> => {
  const { url, deps } = server;
  const password = "correct horse battery";
  const isWhole = place === "healthy";
  // Nothing is in a database that is not there.
  const account = await signedInUser(server, { stored: isWhole });
  const world: World = {
    ...account,
    url,
    expired: await signTokens(await bygone, account, past),
    password,
    setPassword: async () =>
      deps.orm.em
        .fork()
        .execute("update users set password_hash = ? where id = ?", [
          await deps.passwords.hash(password),
          account.id,
        ]),
    task_id: 1,
    tag_id: 1,
    other: { tag_id: 2, name: "Other" },
  };
  if (!isWhole) return world;
  const { token } = account;
  const task_id = await idOf(url, "task.create", { title: "A task" }, token);
  const tag_id = await idOf(url, "tag.create", { name: "A tag" }, token);
  await rest.call(url, "task.addTag", { task_id, tag_id }, { token });
  const other = { tag_id: await idOf(url, "tag.create", { name: "Other" }, token), name: "Other" };
  return { ...world, task_id, tag_id, other };
};

/** The credentials of somebody who can sign in. */
export const credentials = async ({ url }: World): Promise<{ email: string; password: string }> => {
  const { email, password } = await signedInUser({ url });
  return { email, password };
};
