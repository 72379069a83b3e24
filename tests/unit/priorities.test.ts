import { orderKeys, Task } from "@taskwire/server/db/entities/task.ts";
import { priorities } from "@taskwire/shared";
import { expect, test } from "vitest";

test("the SQL of the priority order ranks the priorities of the schema, the highest first", () => {
  const [highest, ...lower] = priorities.toReversed();
  const [second, lowest, ...others] = lower;
  expect(others).toEqual([]);
  expect(lowest).toBe("low");
  expect(orderKeys.priority).toBe(
    `case priority when '${highest}' then 1 when '${second}' then 2 else 3 end`,
  );
});

test("the check constraint of the table accepts exactly the priorities of the schema", () => {
  const list = priorities.map((priority) => `'${priority}'`).join(", ");
  expect(Task.meta.checks).toContainEqual(
    expect.objectContaining({ expression: `priority in (${list})` }),
  );
});
