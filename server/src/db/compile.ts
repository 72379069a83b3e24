import type { Compilable, CompiledQuery } from "kysely";
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
 * Makes a query that is built and compiled once, at its first execution, and not for each call. Kysely documents this as
 * "splitting query building and execution".
 * @param build gets placeholders instead of values, so it must not look at them
 * @returns runs the query with the values, and returns its rows
 */
export const compileOnce = <Values extends object, Row>(
  build: (db: Database, values: Values) => Compilable<Row>,
): ((db: Database, values: Values) => Promise<Row[]>) => {
  let compiled: CompiledQuery<Row> | undefined;
  return async (db, values) => {
    // Safe: the builder only passes values on to the compiler.
    compiled ??= build(db, placeholders as Values).compile();
    const parameters = compiled.parameters.map((parameter): unknown =>
      parameter instanceof Placeholder ? Reflect.get(values, parameter.name) : parameter,
    );
    const { rows } = await db.executeQuery<Row>({ ...compiled, parameters });
    return rows;
  };
};
