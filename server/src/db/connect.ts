import { openPostgres, type Orm } from "./orm.ts";

/** PostgreSQL does not answer; the message names the place, never the password. */
export class DatabaseUnreachableError extends Error {
  override readonly name = "DatabaseUnreachableError";
}

/** Fails early and clearly where the first query would fail late. */
const assertReachable = async (orm: Orm, url: string): Promise<void> => {
  try {
    await orm.em.fork().execute("select 1");
  } catch (error) {
    await orm.close();
    const { host, pathname } = new URL(url);
    const reason = error instanceof Error ? error.message : String(error);
    throw new DatabaseUnreachableError(
      `PostgreSQL at ${host}${pathname} cannot be reached (${reason}). Check DATABASE_URL and that the server runs.`,
      { cause: error },
    );
  }
};

/**
 * PostgreSQL, checked to be there.
 * @throws {DatabaseUnreachableError}
 */
export const connectPostgres = async (
  url: string,
  options: Parameters<typeof openPostgres>[1],
): Promise<Orm> => {
  const orm = await openPostgres(url, options);
  await assertReachable(orm, url);
  return orm;
};
