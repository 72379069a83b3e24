import { Migration } from "@mikro-orm/migrations";

/** The body names its tables with their schema, so that it does not depend on the search path of a session. */
const trigger = (name: string, body: string): string => `do $do$
  begin
    execute format($format$create function ${name}() returns trigger language plpgsql as $body$
      begin
        ${body}
        return null;
      end
    $body$$format$, current_schema);
  end
$do$`;

const add = `on conflict (user_id) do update
  set open = kept.open + excluded.open, completed = kept.completed + excluded.completed`;

const insertInto = "insert into %1$I.user_task_counts as kept (user_id, open, completed)";

// In one order, so that two statements for the same users cannot wait for each other.
const perUser = "group by user_id order by user_id";

/** Keeps how many tasks each user has, open and completed. A user without a row has none. */
export class TaskCounts extends Migration {
  override up(): void {
    // Ends in the id, so that a list of one status reads its first page only.
    this.addSql(
      `create index "idx_tasks_user_completed_id" on "tasks" ("user_id", "completed", "id")`,
    );
    // Room in each page, so that a change of a count writes no index.
    this.addSql(`create table "user_task_counts" (
      "user_id" uuid not null,
      "open" int not null,
      "completed" int not null,
      primary key ("user_id"),
      constraint "user_task_counts_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade
    ) with (fillfactor = 50)`);

    this.addSql(
      trigger(
        "count_inserted_tasks",
        `${insertInto}
           select user_id, count(*) filter (where not completed), count(*) filter (where completed)
           from inserted ${perUser}
           ${add};`,
      ),
    );
    // Without the user, an account is being deleted, and its row here too.
    this.addSql(
      trigger(
        "count_deleted_tasks",
        `${insertInto}
           select user_id, - count(*) filter (where not completed), - count(*) filter (where completed)
           from deleted where exists (select from %1$I.users where users.id = user_id) ${perUser}
           ${add};`,
      ),
    );
    this.addSql(
      trigger(
        "count_changed_task",
        `if old.user_id = new.user_id then
           update %1$I.user_task_counts
             set open = open + old.completed::int - new.completed::int,
               completed = completed + new.completed::int - old.completed::int
             where user_id = new.user_id;
           if found then return null; end if;
         end if;
         ${insertInto}
           select user_id, sum(sign * (not done)::int), sum(sign * done::int)
           from (values (old.user_id, old.completed, -1), (new.user_id, new.completed, 1)) change (user_id, done, sign)
           ${perUser}
           ${add};`,
      ),
    );
    this.addSql(trigger("count_truncated_tasks", "delete from %1$I.user_task_counts;"));

    this.addSql(`create trigger count_inserted after insert on "tasks"
      referencing new table as inserted for each statement execute function count_inserted_tasks()`);
    this.addSql(`create trigger count_deleted after delete on "tasks"
      referencing old table as deleted for each statement execute function count_deleted_tasks()`);
    // For a row: PostgreSQL skips it for all other changes, which would cost as much with a statement's trigger.
    this.addSql(`create trigger count_changed after update on "tasks" for each row
      when (old.completed is distinct from new.completed or old.user_id is distinct from new.user_id)
      execute function count_changed_task()`);
    this.addSql(`create trigger count_truncated after truncate on "tasks"
      for each statement execute function count_truncated_tasks()`);

    // The triggers count from here on. So each user is counted once more, while a lock of their row stops the triggers.
    this.addSql(`create table "user_task_counts_pending" ("user_id" uuid not null primary key)`);
    this.addSql(`create function count_pending_users(batch integer) returns setof uuid language plpgsql as $body$
      declare chosen uuid[];
      begin
        with taken as (
          delete from user_task_counts_pending
            where user_id in (select user_id from user_task_counts_pending order by user_id limit batch)
            returning user_id
        ) select array_agg(user_id) into chosen from taken;
        insert into user_task_counts (user_id, open, completed)
          select id, 0, 0
            from (select id from users where id = any(chosen) order by id for key share) existing
          on conflict (user_id) do nothing;
        perform from user_task_counts where user_id = any(chosen) order by user_id for update;
        update user_task_counts kept
          set (open, completed) = (
            select count(*) filter (where not tasks.completed), count(*) filter (where tasks.completed)
            from tasks where tasks.user_id = kept.user_id)
          where user_id = any(chosen);
        return query select unnest(chosen);
      end
    $body$`);
    this.addSql(`-- repeat for "tasks"
      insert into user_task_counts_pending select id from users on conflict do nothing`);
    this.addSql(`-- repeat for "tasks"
      select from count_pending_users(200)`);
    this.addSql(`drop function count_pending_users(integer)`);
    this.addSql(`drop table "user_task_counts_pending"`);
    this.addSql(`drop index "idx_tasks_user_completed"`);
  }

  override down(): void {
    this.addSql(`create index "idx_tasks_user_completed" on "tasks" ("user_id", "completed")`);
    for (const name of ["inserted", "deleted", "changed", "truncated"])
      this.addSql(`drop trigger count_${name} on "tasks"`);
    for (const name of ["inserted_tasks", "deleted_tasks", "changed_task", "truncated_tasks"])
      this.addSql(`drop function count_${name}()`);
    this.addSql(`drop table "user_task_counts"`);
    this.addSql(`drop index "idx_tasks_user_completed_id"`);
  }
}
