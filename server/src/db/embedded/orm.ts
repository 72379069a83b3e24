import type { Orm } from "../orm.ts";
import { openPool } from "../postgres.ts";
import type { EmbeddedServer } from "./server.ts";

/** Milliseconds. PGlite has no time-out of its own, so this is the limit of a statement, as long as that of PostgreSQL. */
const statementLimit = 5000;

/**
 * Opens the ORM on an embedded server, over one connection; closing the ORM does not close the server.
 * @param statementTimeout false for migrations: their statements may take long
 */
export const openEmbeddedOrm = async (
  server: EmbeddedServer,
  statementTimeout: boolean,
): Promise<Orm> => {
  const orm = await openPool(
    { dbName: "postgres" },
    { stream: server.createConnection },
    { poolMin: 1, poolMax: 1, statementTimeout, silence: statementLimit },
  );
  return {
    ...orm,
    embedded: true,
    probe: (statement) => orm.em.fork().execute(statement),
  };
};
