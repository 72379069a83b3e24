import type { Compilable, CompiledQuery } from "kysely";
import { executeCompiled } from "./execute.ts";
import type { Database } from "./orm.ts";

/** Stands for a value that each execution gives. */
class Placeholder {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

const placeholders = new Proxy({}, { get: (_, name) => new Placeholder(String(name)) });

/**
 * Makes a query that is built and compiled once for each list of columns, at its first execution, and not for each call.
 * Kysely documents this as "splitting query building and execution".
 * @param build gets placeholders instead of values, so it must not look at them
 * @returns runs the query with the values, and returns its rows. All compiled queries are kept: the columns are those of a
 * schema, in its order
 */
export const compileForColumns = <
  Columns extends object,
  Values extends object,
  Row extends object,
>(
  build: (
    db: Database,
    values: Values & { readonly [Column in keyof Columns]-?: Exclude<Columns[Column], undefined> },
    columns: readonly (keyof Columns)[],
  ) => Compilable<Row>,
): ((
  db: Database,
  values: Values & Columns,
  columns: readonly (keyof Columns)[],
) => Promise<Row[]>) => {
  const compiledQueries = new Map<string, CompiledQuery<Row>>();
  return async (db, values, columns) => {
    const key = columns.join();
    let compiled = compiledQueries.get(key);
    if (compiled === undefined) {
      // Safe: the builder only passes values on to the compiler.
      compiled = build(db, placeholders as Parameters<typeof build>[1], columns).compile();
      compiledQueries.set(key, compiled);
    }
    const parameters = compiled.parameters.map((parameter): unknown =>
      parameter instanceof Placeholder ? Reflect.get(values, parameter.name) : parameter,
    );
    return executeCompiled(db, { ...compiled, parameters });
  };
};

/** Makes a query that is built and compiled once, in the same way. */
export const compileOnce = <Values extends object, Row extends object>(
  build: (db: Database, values: Values) => Compilable<Row>,
): ((db: Database, values: Values) => Promise<Row[]>) => {
  const run = compileForColumns<object, Values, Row>(build);
  return (db, values) => run(db, values, []);
};
