import { Migration } from "@mikro-orm/migrations";

const keys = {
  created_at: "created_at",
  due_date: "coalesce(due_date, 'infinity'::timestamptz)",
  priority: "case priority when 'high' then 1 when 'medium' then 2 else 3 end",
  title: `case_fold(title) collate "C"`,
};

// Each index includes the columns of its key, so that an index-only scan is possible and skipped entries read no row.
const index = (name: string, key: string, direction = ""): string => {
  const columns = name === "created_at" ? "" : ` include (${name})`;
  return `on "tasks" (user_id, (${key})${direction}, id)${columns}`;
};

export class TaskOrder extends Migration {
  override up(): void {
    // Lower case beyond ASCII, independent of the database's locale: pg_c_utf8 is part of PostgreSQL 17 and newer,
    // ICU of most older ones. The final sigma of a word (ς) is replaced, so that it equals the other lower-case sigma (σ).
    this.addSql(`do $do$
      declare chosen text;
      begin
        select quote_ident(collname) into chosen from pg_collation
          where collname in ('pg_c_utf8', 'und-x-icu') order by collname limit 1;
        execute format(
          'create function case_fold(value text) returns text language sql immutable strict parallel safe
             return replace(lower(value%s), ''ς'', ''σ'')',
          coalesce(' collate ' || chosen, ''));
      end
    $do$`);

    this.addSql(`create index "idx_tasks_order_id" on "tasks" (user_id, id)`);
    for (const [name, key] of Object.entries(keys)) {
      this.addSql(`create index "idx_tasks_order_${name}" ${index(name, key)}`);
      this.addSql(`create index "idx_tasks_order_${name}_desc" ${index(name, key, " desc")}`);
    }
  }

  override down(): void {
    for (const name of Object.keys(keys)) {
      this.addSql(`drop index "idx_tasks_order_${name}"`);
      this.addSql(`drop index "idx_tasks_order_${name}_desc"`);
    }
    this.addSql(`drop index "idx_tasks_order_id"`);
    this.addSql(`drop function case_fold(text)`);
  }
}
