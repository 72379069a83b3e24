import { MikroORM as PgliteOrm } from "@mikro-orm/pglite";
import type { MikroORM } from "@mikro-orm/postgresql";
import type { PGlite } from "@electric-sql/pglite";
import { commonOptions, type Orm } from "../orm.ts";

/**
 * Opens the ORM on a PGlite database; closing the ORM closes PGlite too.
 * @param pglite an open instance
 */
export const openPglite = async (pglite: PGlite): Promise<Orm> => {
  const orm = await PgliteOrm.init({ ...commonOptions, driverOptions: { pglite } });
  // Safe: both drivers extend the same SQL base class, and only the type of their connection differs.
  const { em, schema, migrator } = orm as unknown as MikroORM;
  return {
    em,
    schema,
    migrator,
    embedded: true,
    probe: (statement) => em.fork().execute(statement),
    close: async () => {
      await orm.close(true);
      await pglite.close();
    },
  };
};
