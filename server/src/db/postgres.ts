import { OperatorError } from "../errors.ts";
import { openPostgres, type Orm } from "./orm.ts";

const reasonOf = (error: unknown): string => {
  // A host with several addresses fails with one error for each, and no message of its own.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(", ");
  return error instanceof Error ? error.message : String(error);
};

/**
 * PostgreSQL, checked to be there: fails early and clearly where the first query would fail late.
 * @throws {OperatorError} which names the place and the reason, never the password
 */
export const connectPostgres = async (
  url: string,
  options: Parameters<typeof openPostgres>[1],
): Promise<Orm> => {
  let orm: Orm | undefined;
  try {
    orm = await openPostgres(url, options);
    await orm.em.fork().execute("select 1");
    return orm;
  } catch (cause) {
    await orm?.close();
    const { host, pathname } = new URL(url);
    throw new OperatorError(
      `PostgreSQL at ${host}${pathname} cannot be used: ${reasonOf(cause)}. Check DATABASE_URL and that the server runs.`,
      { cause },
    );
  }
};
