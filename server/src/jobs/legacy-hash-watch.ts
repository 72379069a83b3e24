import type { Orm } from "../db/orm.ts";

/**
 * Whether any account still has a bcrypt hash; its owner's next sign-in replaces it. The partial index
 * `idx_users_legacy_hash` answers this however many accounts there are.
 */
export const hasLegacyHashes = async (orm: Orm): Promise<boolean> => {
  const em = orm.em.fork();
  // The server starts while migrations are pending, and then there may be no table.
  const [table] = await em.execute<{ present: boolean }[]>(
    "select to_regclass('users') is not null as present",
  );
  if (!table?.present) return false;
  const [found] = await em.execute<{ present: boolean }[]>(
    "select exists (select from users where password_hash like '$2%') as present",
  );
  return found?.present ?? false;
};
