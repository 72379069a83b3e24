import type { Orm } from "@taskwire/server/db/orm.ts";

const columns = `
  select relname || '.' || attname || ' ' || format_type(atttypid, atttypmod)
    || case when attnotnull then ' not null' else '' end
    || coalesce(' default ' || pg_get_expr(adbin, adrelid), '') as line
  from pg_attribute
  join pg_class on pg_class.oid = attrelid
  left join pg_attrdef on adrelid = attrelid and adnum = attnum
  where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped
  order by relname, attnum`;

const indexes = `
  select indexdef as line from pg_indexes where schemaname = 'public'`;

// Since PostgreSQL 18, pg_constraint contains NOT NULL too: `columns` already lists it.
const constraints = `
  select conrelid::regclass || '.' || conname || ' ' || pg_get_constraintdef(oid) as line
  from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n'`;

const sequences = `
  select relname || ' of ' || refobjid::regclass || ' column ' || refobjsubid as line
  from pg_class join pg_depend on objid = pg_class.oid and deptype = 'a'
  where relkind = 'S' and relnamespace = 'public'::regnamespace`;

const triggers = `
  select pg_get_triggerdef(pg_trigger.oid) as line
  from pg_trigger join pg_class on pg_class.oid = tgrelid
  where relnamespace = 'public'::regnamespace and not tgisinternal`;

const functions = `
  select oid::regprocedure::text as line from pg_proc where pronamespace = 'public'::regnamespace`;

/** Returns the columns, indexes, constraints, sequences, triggers and functions of a database as sorted lines, so that two databases can be compared. */
export const catalogOf = async (orm: Orm) => {
  const linesOf = async (query: string): Promise<string[]> => {
    const rows = await orm.em.fork().execute<{ line: string }[]>(query);
    return rows.map(({ line }) => line);
  };
  return {
    columns: await linesOf(columns),
    indexes: (await linesOf(indexes)).toSorted(),
    constraints: (await linesOf(constraints)).toSorted(),
    sequences: (await linesOf(sequences)).toSorted(),
    triggers: (await linesOf(triggers)).toSorted(),
    functions: (await linesOf(functions)).toSorted(),
  };
};
