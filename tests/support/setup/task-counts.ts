import type { Orm } from "@taskwire/server/db/orm.ts";
import { expect } from "vitest";

/** Expects that the kept number of tasks equals the counted one, for each user and status, in one snapshot. */
export const expectExactCounts = async (orm: Orm): Promise<void> => {
  const wrong = await orm.em.fork().execute<unknown[]>(
    `select coalesce(kept.user_id, counted.user_id) as user_id, kept.open as kept_open, counted.open,
       kept.completed as kept_completed, counted.completed
     from user_task_counts kept full join (
       select user_id, (count(*) filter (where not completed))::int as open,
         (count(*) filter (where completed))::int as completed
       from tasks group by user_id) counted using (user_id)
     where (coalesce(kept.open, 0), coalesce(kept.completed, 0))
       <> (coalesce(counted.open, 0), coalesce(counted.completed, 0))`,
  );
  expect(wrong).toEqual([]);
};
