import { randomUUID } from "node:crypto";
import type { TestServer } from "./server.ts";

export interface Account {
  id: string;
  email: string;
  /** The access token. */
  token: string;
}

/** A user made in the database, who cannot sign in but has a token: for tests that need many, or need them fast. */
export const addAccount = async (
  { deps }: TestServer,
  email = `${randomUUID()}@example.com`,
): Promise<Account> => {
  const identity = { id: randomUUID(), email };
  await deps.orm.em
    .fork()
    .execute("insert into users (id, email, password_hash) values (?, ?, 'none')", [
      identity.id,
      email,
    ]);
  return { ...identity, token: await deps.tokens.sign("access", identity) };
};
