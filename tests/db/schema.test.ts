import type { Orm } from "@taskwire/server/db/orm.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { catalogOf } from "../support/setup/schema-catalog.ts";
import { required } from "../support/setup/required.ts";
import { cloneDatabase } from "../support/setup/database.ts";

let orm: Orm;
beforeAll(async () => {
  orm = await cloneDatabase();
});
afterAll(() => orm.close());

const execute = <Row>(sql: string, parameters: unknown[] = []): Promise<Row[]> =>
  orm.em.fork().execute<Row[]>(sql, parameters);

describe("the database catalog", () => {
  let catalog: Awaited<ReturnType<typeof catalogOf>>;
  beforeAll(async () => {
    catalog = await catalogOf(orm);
  });

  /** Removes the lines of the migrations table. */
  const withoutMigrations = (lines: readonly string[] | undefined) =>
    lines?.filter((line) => !/\bmigrations(?:_|\b)/.test(line));

  test("contains exactly these columns, with type, nullability and default", () => {
    expect(withoutMigrations(catalog.columns)).toEqual([
      "sessions.id uuid not null",
      "sessions.user_id uuid not null",
      "sessions.generation integer not null default 0",
      "sessions.device text",
      "sessions.address text not null",
      "sessions.created_at timestamp(3) with time zone not null",
      "sessions.rotated_at timestamp(3) with time zone not null",
      "sessions.expires_at timestamp(3) with time zone not null",
      "sessions.ends_at timestamp(3) with time zone not null",
      "sessions.revoked_at timestamp(3) with time zone",
      "sessions.rotations timestamp with time zone[]",
      "sessions.parent_used_at_generation integer",
      "tags.id integer not null default nextval('tags_id_seq'::regclass)",
      "tags.name character varying(50) not null",
      "tags.color character varying(7)",
      "tags.user_id uuid not null",
      "task_tag_link.task_id integer not null",
      "task_tag_link.tag_id integer not null",
      "tasks.id integer not null default nextval('tasks_id_seq'::regclass)",
      "tasks.title character varying(200) not null",
      "tasks.description character varying(1000)",
      "tasks.completed boolean not null default false",
      "tasks.priority character varying(6) not null default 'medium'::character varying",
      "tasks.due_date timestamp(3) with time zone",
      "tasks.recurrence_rule text",
      "tasks.user_id uuid not null",
      "tasks.created_at timestamp(3) with time zone not null default now()",
      "tasks.updated_at timestamp(3) with time zone not null default now()",
      "user_task_counts.user_id uuid not null",
      "user_task_counts.open integer not null",
      "user_task_counts.completed integer not null",
      "users.id uuid not null default gen_random_uuid()",
      "users.email text not null",
      "users.password_hash text not null",
      "users.name text",
      "users.created_at timestamp(3) with time zone not null default now()",
    ]);
  });

  test("contains exactly these indexes", () => {
    const orderIndex = /^CREATE INDEX (idx_tasks_order_\w+) /;
    const indexes = withoutMigrations(catalog.indexes) ?? [];
    const orders = ["created_at", "due_date", "priority", "title"].flatMap((key) => [
      key,
      `${key}_desc`,
    ]);
    expect(indexes.flatMap((line) => orderIndex.exec(line)?.[1] ?? []).toSorted()).toEqual(
      [...orders, "id"].map((order) => `idx_tasks_order_${order}`).toSorted(),
    );
    expect(indexes.filter((line) => !orderIndex.test(line))).toEqual([
      "CREATE INDEX idx_sessions_expires_at ON public.sessions USING btree (expires_at)",
      "CREATE INDEX idx_sessions_revoked_at ON public.sessions USING btree (revoked_at) WHERE (revoked_at IS NOT NULL)",
      "CREATE INDEX idx_sessions_user_id ON public.sessions USING btree (user_id, rotated_at)",
      "CREATE INDEX idx_tags_user_id ON public.tags USING btree (user_id)",
      "CREATE INDEX idx_task_tag_link_tag ON public.task_tag_link USING btree (tag_id)",
      "CREATE INDEX idx_task_tag_link_task ON public.task_tag_link USING btree (task_id)",
      "CREATE INDEX idx_tasks_user_completed_id ON public.tasks USING btree (user_id, completed, id)",
      "CREATE INDEX idx_tasks_user_due_date ON public.tasks USING btree (user_id, due_date)",
      "CREATE INDEX idx_tasks_user_id ON public.tasks USING btree (user_id)",
      "CREATE INDEX idx_tasks_user_priority ON public.tasks USING btree (user_id, priority)",
      "CREATE INDEX idx_users_legacy_hash ON public.users USING btree (id) WHERE (password_hash ~~ '$2%'::text)",
      "CREATE UNIQUE INDEX sessions_pkey ON public.sessions USING btree (id)",
      "CREATE UNIQUE INDEX tags_name_user_id_unique ON public.tags USING btree (name, user_id)",
      "CREATE UNIQUE INDEX tags_pkey ON public.tags USING btree (id)",
      "CREATE UNIQUE INDEX task_tag_link_pkey ON public.task_tag_link USING btree (task_id, tag_id)",
      "CREATE UNIQUE INDEX tasks_pkey ON public.tasks USING btree (id)",
      "CREATE UNIQUE INDEX user_task_counts_pkey ON public.user_task_counts USING btree (user_id)",
      "CREATE UNIQUE INDEX users_email_unique ON public.users USING btree (lower(email))",
      "CREATE UNIQUE INDEX users_pkey ON public.users USING btree (id)",
    ]);
  });

  test("contains exactly these constraints, and every foreign key deletes on cascade", () => {
    expect(withoutMigrations(catalog.constraints)).toEqual([
      "sessions.sessions_pkey PRIMARY KEY (id)",
      "sessions.sessions_user_id_foreign FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE",
      "tags.tags_name_user_id_unique UNIQUE (name, user_id)",
      "tags.tags_pkey PRIMARY KEY (id)",
      "tags.tags_user_id_foreign FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE",
      "task_tag_link.task_tag_link_pkey PRIMARY KEY (task_id, tag_id)",
      "task_tag_link.task_tag_link_tag_id_foreign FOREIGN KEY (tag_id) REFERENCES tags(id) ON UPDATE CASCADE ON DELETE CASCADE",
      "task_tag_link.task_tag_link_task_id_foreign FOREIGN KEY (task_id) REFERENCES tasks(id) ON UPDATE CASCADE ON DELETE CASCADE",
      "tasks.tasks_pkey PRIMARY KEY (id)",
      expect.stringMatching(/^tasks\.tasks_priority_check CHECK .*'low'.*'medium'.*'high'/),
      "tasks.tasks_user_id_foreign FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE",
      "user_task_counts.user_task_counts_pkey PRIMARY KEY (user_id)",
      "user_task_counts.user_task_counts_user_id_foreign FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE",
      "users.users_pkey PRIMARY KEY (id)",
    ]);
  });
});

describe("the database's routines", () => {
  test("are exactly these functions, and the triggers that keep the number of tasks", async () => {
    const { functions, triggers } = await catalogOf(orm);
    expect(functions).toEqual([
      "accepts_tag(integer,integer,integer)",
      "case_fold(text)",
      "count_changed_task()",
      "count_deleted_tasks()",
      "count_inserted_tasks()",
      "count_truncated_tasks()",
    ]);
    expect(triggers).toEqual([
      "CREATE TRIGGER count_changed AFTER UPDATE ON public.tasks FOR EACH ROW WHEN (((old.completed IS DISTINCT FROM new.completed) OR (old.user_id IS DISTINCT FROM new.user_id))) EXECUTE FUNCTION count_changed_task()",
      "CREATE TRIGGER count_deleted AFTER DELETE ON public.tasks REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_tasks()",
      "CREATE TRIGGER count_inserted AFTER INSERT ON public.tasks REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION count_inserted_tasks()",
      "CREATE TRIGGER count_truncated AFTER TRUNCATE ON public.tasks FOR EACH STATEMENT EXECUTE FUNCTION count_truncated_tasks()",
    ]);
  });
});

describe("the database itself", () => {
  const insertUser = async (email: string): Promise<string> => {
    const [user] = await execute<{ id: string }>(
      "insert into users (email, password_hash) values (?, 'x') returning id",
      [email],
    );
    return required(user, "the new user").id;
  };
  const insertTask = (user: string, columns = "", values = "") =>
    execute<{ id: number }>(
      `insert into tasks (title, user_id ${columns}) values ('Milk', '${user}' ${values}) returning *`,
    );
  const insertTag = (user: string, name: string) =>
    execute<{ id: number }>("insert into tags (name, user_id) values (?, ?) returning *", [
      name,
      user,
    ]);

  test("fills in the defaults if an insert names only the required columns", async () => {
    const id = await insertUser("defaults@example.com");
    const isRecent = "created_at between now() - interval '1 minute' and now() as recent";
    const [user] = await execute(`select id, name, ${isRecent} from users where id = ?`, [id]);
    expect(user).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: null,
      recent: true,
    });
    await insertTask(id);
    const [task] = await execute(
      `select description, completed, priority, due_date, recurrence_rule, ${isRecent}, updated_at = created_at as new
       from tasks where user_id = ?`,
      [id],
    );
    expect(task).toEqual({
      description: null,
      completed: false,
      priority: "medium",
      due_date: null,
      recurrence_rule: null,
      recent: true,
      new: true,
    });
    expect(await insertTag(id, "home")).toMatchObject([{ name: "home", color: null }]);
  });

  test("rejects an email address that differs from another only in case", async () => {
    await insertUser("Ada@example.com");
    await expect(insertUser("aDA@EXAMPLE.com")).rejects.toThrow(/users_email_unique/);
  });

  test("rejects a second tag with the same name for one user, but not for another user", async () => {
    const [ada, bob] = [await insertUser("a@example.com"), await insertUser("b@example.com")];
    await insertTag(ada, "work");
    await insertTag(bob, "work");
    await expect(insertTag(ada, "work")).rejects.toThrow(/tags_name_user_id_unique/);
  });

  test("rejects a priority other than low, medium and high", async () => {
    const id = await insertUser("priorities@example.com");
    for (const priority of ["low", "medium", "high"])
      await insertTask(id, ", priority", `, '${priority}'`);
    for (const priority of ["urgent", "LOW", ""])
      await expect(insertTask(id, ", priority", `, '${priority}'`)).rejects.toThrow(
        /tasks_priority_check/,
      );
  });

  test("deleting a user deletes their tasks, tags and links, and those of no other user", async () => {
    const [deleted, kept] = [
      await insertUser("deleted@example.com"),
      await insertUser("s@example.com"),
    ];
    for (const user of [deleted, kept]) {
      const [task] = await insertTask(user);
      const [tag] = await insertTag(user, "errands");
      await execute("insert into task_tag_link (task_id, tag_id) values (?, ?)", [
        task?.id,
        tag?.id,
      ]);
    }
    await execute("delete from users where id = ?", [deleted]);
    const remaining = await execute(
      `select tasks.user_id as task_owner, tags.user_id as tag_owner
       from task_tag_link join tasks on tasks.id = task_id join tags on tags.id = tag_id`,
    );
    expect(remaining).toEqual([{ task_owner: kept, tag_owner: kept }]);
    for (const table of ["tasks", "tags"])
      expect(await execute(`select from ${table} where user_id = ?`, [deleted])).toEqual([]);
  });

  test("stores a due date as the same instant in any time zone", async () => {
    const id = await insertUser("zones@example.com");
    await insertTask(id, ", due_date", ", '2030-06-01 12:00:00+02'");
    const [task] = await execute(
      "select due_date = timestamptz '2030-06-01 10:00:00Z' as same from tasks where user_id = ?",
      [id],
    );
    expect(task).toEqual({ same: true });
  });
});
