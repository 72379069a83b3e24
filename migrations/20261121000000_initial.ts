import { Migration } from "@mikro-orm/migrations";

export class Initial extends Migration {
  override up(): void {
    this.addSql(`create table "users" (
      "id" uuid not null default gen_random_uuid(),
      "email" text not null,
      "password_hash" text not null,
      "name" text null,
      "created_at" timestamptz(3) not null default now(),
      primary key ("id")
    )`);
    this.addSql(`create unique index "users_email_unique" on "users" (lower("email"))`);

    this.addSql(`create table "tags" (
      "id" serial primary key,
      "name" varchar(50) not null,
      "color" varchar(7) null,
      "user_id" uuid not null,
      constraint "tags_name_user_id_unique" unique ("name", "user_id"),
      constraint "tags_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade
    )`);
    this.addSql(`create index "idx_tags_user_id" on "tags" ("user_id")`);

    this.addSql(`create table "tasks" (
      "id" serial primary key,
      "title" varchar(200) not null,
      "description" varchar(1000) null,
      "completed" boolean not null default false,
      "priority" varchar(6) not null default 'medium',
      "due_date" timestamptz(3) null,
      "recurrence_rule" text null,
      "user_id" uuid not null,
      "created_at" timestamptz(3) not null default now(),
      "updated_at" timestamptz(3) not null default now(),
      constraint "tasks_priority_check" check (priority in ('low', 'medium', 'high')),
      constraint "tasks_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade
    )`);
    this.addSql(`create index "idx_tasks_user_id" on "tasks" ("user_id")`);
    this.addSql(`create index "idx_tasks_user_completed" on "tasks" ("user_id", "completed")`);
    this.addSql(`create index "idx_tasks_user_priority" on "tasks" ("user_id", "priority")`);
    this.addSql(`create index "idx_tasks_user_due_date" on "tasks" ("user_id", "due_date")`);

    this.addSql(`create table "task_tag_link" (
      "task_id" int not null,
      "tag_id" int not null,
      primary key ("task_id", "tag_id"),
      constraint "task_tag_link_task_id_foreign" foreign key ("task_id") references "tasks" ("id")
        on update cascade on delete cascade,
      constraint "task_tag_link_tag_id_foreign" foreign key ("tag_id") references "tags" ("id")
        on update cascade on delete cascade
    )`);
    this.addSql(`create index "idx_task_tag_link_task" on "task_tag_link" ("task_id")`);
    this.addSql(`create index "idx_task_tag_link_tag" on "task_tag_link" ("tag_id")`);
  }

  override down(): void {
    this.addSql(`drop table "task_tag_link"`);
    this.addSql(`drop table "tasks"`);
    this.addSql(`drop table "tags"`);
    this.addSql(`drop table "users"`);
  }
}
