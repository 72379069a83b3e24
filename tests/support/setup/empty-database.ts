import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { onTestFinished } from "vitest";
import { clonePostgres } from "./database.ts";
import { secret } from "./server.ts";

/** A PostgreSQL database without a table: the settings to use it, and a session on it. */
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
