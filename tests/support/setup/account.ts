import { randomUUID } from "node:crypto";
import type { Tokens } from "@taskwire/server/security/tokens.ts";
import type { TestServer } from "./server.ts";

export interface Account {
  id: string;
  email: string;
  /** The session's id. */
  sid: string;
  /** The access token. */
  token: string;
  /** The refresh token. */
  cookie: string;
}

/** Somebody with a session of a week, of which nobody else need know. */
export const tokensOf = async (
  tokens: Tokens,
  now: Date,
  email = `${randomUUID()}@example.com`,
): Promise<Account> => {
  const identity = { id: randomUUID(), email, sid: randomUUID() };
  const issuedAt = Math.floor(now.getTime() / 1000);
  return {
    ...identity,
    token: await tokens.signAccess(identity),
    cookie: await tokens.signRefresh(
      { ...identity, generation: 0 },
      { issuedAt, expiresAt: issuedAt + 604_800 },
    ),
  };
};

/** A user made in the database, who cannot sign in but is signed in: for tests that need many, or need them fast. */
export const addAccount = async ({ deps, clock }: TestServer, email?: string): Promise<Account> => {
  const account = await tokensOf(deps.tokens, clock.now(), email);
  const now = clock.now().toISOString();
  await deps.orm.em.fork().execute(
    `with owner as (insert into users (id, email, password_hash) values (?, ?, 'none') returning id)
       insert into sessions (id, user_id, address, created_at, rotated_at, expires_at, ends_at)
       select ?::uuid, id, '127.0.0.1', now, now, now + interval '7 days', now + interval '30 days'
       from owner, (select ?::timestamptz as now) clock`,
    [account.id, account.email, account.sid, now],
  );
  return account;
};
