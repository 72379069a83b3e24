/** The statements of the hand-written server: one for each request, sent as a named prepared statement. */

const iso = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const columns = `tasks.id, tasks.title, tasks.description, tasks.completed, tasks.priority, ${iso("tasks.due_date")} as due_date,
  tasks.recurrence_rule, tasks.user_id, ${iso("tasks.created_at")} as created_at, ${iso("tasks.updated_at")} as updated_at`;

const tags = `(select coalesce(json_agg(json_build_object('id', tags.id, 'name', tags.name, 'color', tags.color, 'user_id', tags.user_id) order by tags.id), '[]')
  from task_tag_link join tags on tags.id = tag_id where task_id = tasks.id) as tags`;

/**
 * A page in order of the ids, with the number of all matching tasks in every row.
 * @param filter a condition on `tasks` whose parameters start at $4
 */
const list = (filter: string): string => `
  select page.*, counted.total
  from (select count(*)::int as total from tasks where user_id = $1 ${filter}) counted
  left join lateral (
    select ${columns}, ${tags}
    from (select id as picked_id from tasks where user_id = $1 ${filter} order by id limit $2 offset $3) picked
    join tasks on tasks.id = picked_id
    order by tasks.id
  ) page on true`;

const contains = (column: string): string => `strpos(case_fold(${column}), case_fold($4)) > 0`;

export const statements = {
  me: `select id, email, name, ${iso("created_at")} as created_at from users where id = $1`,
  task: `select ${columns}, ${tags} from tasks where id = $1 and user_id = $2`,
  list: list(""),
  listCompleted: list("and completed = $4"),
  search: list(`and (${contains("title")} or ${contains("description")})`),
  create: `insert into tasks (title, description, user_id) select $1, $2, id from users where id = $3 returning ${columns}`,
  patch: `update tasks set completed = $1, updated_at = greatest(now(), updated_at + interval '1 millisecond')
    where id = $2 and user_id = $3 returning ${columns}, ${tags}`,
  addTag: `with linked as (
      insert into task_tag_link (task_id, tag_id)
      select tasks.id, tags.id from tasks, tags where tasks.id = $1 and tasks.user_id = $3 and tags.id = $2 and tags.user_id = $3
      on conflict do nothing returning task_id
    )
    select ${columns}, ${tags}, exists (select from linked) as is_new from tasks where id = $1 and user_id = $3`,
  account: `select id, email, password_hash from users where lower(email) = lower($1)`,
  openSession: `insert into sessions (id, user_id, address, created_at, rotated_at, expires_at, ends_at)
    values (gen_random_uuid(), $1, '127.0.0.1', now(), now(), now() + interval '7 days', now() + interval '30 days') returning id`,
} as const;
