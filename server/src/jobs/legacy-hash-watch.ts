import type { Orm } from "../db/orm.ts";

/**
 * Returns whether any account still has a bcrypt hash, which a sign-in replaces. The partial index
 * `idx_users_legacy_hash` makes this fast for any number of accounts.
 */
export const hasLegacyHashes = async (orm: Orm): Promise<boolean> => {
  const em = orm.em.fork();
  // The table may not exist: the server also starts while migrations are pending.
  const [usersTable] = await em.execute<{ present: boolean }[]>(
    "select to_regclass('users') is not null as present",
  );
  if (!usersTable?.present) return false;
  const [legacyHash] = await em.execute<{ present: boolean }[]>(
    "select exists (select from users where password_hash like '$2%') as present",
  );
  return legacyHash?.present ?? false;
};
