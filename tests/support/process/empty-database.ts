import { openPostgres } from "@taskwire/server/db/orm.ts";
import { onTestFinished } from "vitest";
import { clonePostgres } from "../setup/database.ts";
import { secret } from "../setup/server.ts";

/** Creates a PostgreSQL database without tables. Returns the settings of an executable that uses it, and a query function. */
export const emptyDatabase = async () => {
  const { url, drop } = await clonePostgres("template0");
  onTestFinished(drop);
  const orm = await openPostgres(url, { poolMin: 0, poolMax: 1 });
  onTestFinished(() => orm.close());
  return {
    env: { JWT_SECRET_KEY: secret, DATABASE_URL: url },
    query: <Row>(sql: string): Promise<Row[]> => orm.em.execute<Row[]>(sql),
  };
};
