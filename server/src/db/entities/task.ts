import { defineEntity, p } from "@mikro-orm/core";
import { Tag } from "./tag.ts";
import { User } from "./user.ts";

/** The sort keys of task lists besides the id, each with its SQL over the columns of `tasks`. */
export const orderKeys = {
  created_at: "created_at",
  // A task without a date sorts after every date. A key that is never null needs no special case for nulls.
  due_date: "coalesce(due_date, 'infinity'::timestamptz)",
  priority: "case priority when 'high' then 1 when 'medium' then 2 else 3 end",
  // Sorted by code points, so that the order does not depend on the database's locale.
  title: `case_fold(title) collate "C"`,
} as const;

const index = (name: string, columns: string) => ({
  name,
  expression: `create index "${name}" on "tasks" ${columns}`,
});

/**
 * One index for each sort key and direction, ending in the id: the first page costs the same for 10 and for 100,000 tasks.
 * Each includes the columns of its key: otherwise PostgreSQL does not use an index-only scan.
 */
const orderIndexes = [
  index("idx_tasks_order_id", "(user_id, id)"),
  ...Object.entries(orderKeys).flatMap(([name, key]) => {
    const columns = name === "created_at" ? "" : ` include (${name})`;
    return [
      index(`idx_tasks_order_${name}`, `(user_id, (${key}), id)${columns}`),
      index(`idx_tasks_order_${name}_desc`, `(user_id, (${key}) desc, id)${columns}`),
    ];
  }),
];

export const Task = defineEntity({
  name: "Task",
  tableName: "tasks",
  properties: {
    id: p.integer().primary().autoincrement(),
    title: p.string().length(200),
    description: p.string().length(1000).nullable(),
    completed: p.boolean().default(false),
    priority: p.string().length(6).$type<"low" | "medium" | "high">().default("medium"),
    // Both drivers return timestamps as text, so the query builder must type them as string.
    due_date: p.datetime(3).$type<string>().nullable(),
    recurrence_rule: p.text().nullable(),
    user: () => p.manyToOne(User).deleteRule("cascade").index("idx_tasks_user_id"),
    created_at: p.datetime(3).$type<string>().defaultRaw("now()"),
    updated_at: p.datetime(3).$type<string>().defaultRaw("now()"),
  },
  indexes: [
    { name: "idx_tasks_user_completed_id", properties: ["user", "completed", "id"] },
    { name: "idx_tasks_user_priority", properties: ["user", "priority"] },
    { name: "idx_tasks_user_due_date", properties: ["user", "due_date"] },
    ...orderIndexes,
  ],
  checks: [{ name: "tasks_priority_check", expression: "priority in ('low', 'medium', 'high')" }],
});

export const TaskTagLink = defineEntity({
  name: "TaskTagLink",
  tableName: "task_tag_link",
  properties: {
    task: () => p.manyToOne(Task).primary().deleteRule("cascade").index("idx_task_tag_link_task"),
    tag: () => p.manyToOne(Tag).primary().deleteRule("cascade").index("idx_task_tag_link_tag"),
  },
});

/** How many tasks a user has. Triggers of `tasks` keep it, so it is exact in every snapshot. No row means no task. */
export const UserTaskCounts = defineEntity({
  name: "UserTaskCounts",
  tableName: "user_task_counts",
  properties: {
    user: () => p.manyToOne(User).primary().deleteRule("cascade").updateRule("no action"),
    open: p.integer(),
    completed: p.integer(),
  },
});
