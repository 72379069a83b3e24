import { defineEntity, p } from "@mikro-orm/core";
import { Tag } from "./tag.ts";
import { User } from "./user.ts";

export const Task = defineEntity({
  name: "Task",
  tableName: "tasks",
  properties: {
    id: p.integer().primary().autoincrement(),
    title: p.string().length(200),
    description: p.string().length(1000).nullable(),
    completed: p.boolean().default(false),
    priority: p.string().length(6).default("medium"),
    due_date: p.datetime(3).nullable(),
    recurrence_rule: p.text().nullable(),
    user: () => p.manyToOne(User).deleteRule("cascade").index("idx_tasks_user_id"),
    created_at: p.datetime(3).defaultRaw("now()"),
    updated_at: p.datetime(3).defaultRaw("now()"),
  },
  indexes: [
    { name: "idx_tasks_user_completed", properties: ["user", "completed"] },
    { name: "idx_tasks_user_priority", properties: ["user", "priority"] },
    { name: "idx_tasks_user_due_date", properties: ["user", "due_date"] },
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
