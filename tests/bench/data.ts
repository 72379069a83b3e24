import { randomBytes } from "node:crypto";
import type { Orm } from "@taskwire/server/db/orm.ts";
import { importKeys } from "@taskwire/server/security/keys.ts";
import { createPasswordHashing } from "@taskwire/server/security/password-hashing.ts";
import { createTokens } from "@taskwire/server/security/tokens.ts";

/** How much the database contains. */
export interface Size {
  users: number;
  tasksPerUser: number;
  /** Tasks of one more user, the last one. */
  tasksOfLargeUser: number;
  /** Tasks of the first users, in their order, instead of `tasksPerUser`. */
  tasksOfFirstUsers?: readonly number[];
}

/** A user with an access token. */
export interface BenchUser {
  id: string;
  email: string;
  token: string;
  /** The first of the user's tasks; the others follow without a gap. */
  firstTask: number;
  firstTag: number;
}

const tagsPerUser = 20;

export const password = "correct horse battery staple";

export const secret = randomBytes(32).toString("hex");

const hashPassword = async (): Promise<string> => {
  const hashing = await createPasswordHashing();
  return hashing.hash(password, new AbortController().signal);
};

/** Inserts the users, each with tasks, 20 tags, and two tags a task. The database is empty before. */
export const seed = async (orm: Orm, size: Size): Promise<void> => {
  const { users, tasksPerUser, tasksOfLargeUser, tasksOfFirstUsers = [] } = size;
  const hash = await hashPassword();
  const { em } = orm;
  await em.execute(
    `insert into users (email, password_hash, name, created_at)
     select 'bench-' || n || '@example.com', ?, 'User ' || n, now() + n * interval '1 second' from generate_series(1, ?) n`,
    [hash, users + 1],
  );
  const numbered = `(select id, row_number() over (order by created_at) as n from users) u`;
  await em.execute(
    `insert into tags (name, color, user_id)
     select 'Tag ' || t, '#3366FF', u.id from ${numbered}, generate_series(1, ?) t order by u.n, t`,
    [tagsPerUser],
  );
  await em.execute(
    `insert into tasks (title, description, completed, priority, due_date, user_id)
     select 'Task ' || t, 'The description of task ' || t || ', a line as people write it', t % 3 = 0,
       (array['low', 'medium', 'high'])[t % 3 + 1], now() + t * interval '1 hour', u.id
     from ${numbered}, lateral generate_series(1, coalesce((?::int[])[u.n], case when u.n > ? then ? else ? end)) t order by u.n, t`,
    [`{${tasksOfFirstUsers.join()}}`, users, tasksOfLargeUser, tasksPerUser],
  );
  await em.execute(
    `insert into task_tag_link (task_id, tag_id)
     select tasks.id, first_tag + (tasks.id + 7 * which) % ?
     from tasks join (select user_id, min(id) as first_tag from tags group by user_id) t using (user_id), generate_series(0, 1) which`,
    [tagsPerUser],
  );
  for (const table of ["users", "tags", "tasks", "task_tag_link", "user_task_counts"])
    await em.execute(`vacuum analyze ${table}`);
};

/** Returns the users in the order of their numbers, each with an access token that is valid for an hour. */
export const signedInUsers = async (orm: Orm): Promise<BenchUser[]> => {
  const rows = await orm.em.execute<Omit<BenchUser, "token">[]>(
    `select id, email, (select min(id) from tasks where user_id = users.id) as "firstTask",
       (select min(id) from tags where user_id = users.id) as "firstTag" from users order by created_at`,
  );
  const keys = await importKeys({ secrets: [secret] });
  const tokens = createTokens({
    keys,
    ttl: { access: 3600, refresh: 3600 },
    clock: () => new Date(),
  });
  const withToken = async (row: Omit<BenchUser, "token">): Promise<BenchUser> => {
    const token = await tokens.signAccess({ ...row, sid: row.id });
    return { ...row, token };
  };
  return Promise.all(rows.map(withToken));
};
