import { z } from "zod";

/** The schemas of the three procedures: every server that `pnpm bench --peers` compares has these. */

const priority = z.enum(["low", "medium", "high"]);

const tag = z.object({
  id: z.number(),
  name: z.string(),
  color: z.string().nullable(),
  user_id: z.string(),
});

export const helloInput = z.object({ name: z.string().min(1).max(100) });

export const helloOutput = z.object({ message: z.string() });

// Coerced, because a query has texts only. JSON has numbers already.
export const pageInput = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  offset: z.coerce.number().int().min(0).default(0),
});

export const createInput = z.object({
  title: z.string().min(1).max(200),
  description: z.string().max(1000).nullable().default(null),
  completed: z.boolean().default(false),
  priority: priority.default("medium"),
  due_date: z.iso.datetime({ offset: true }).nullable().default(null),
});

export const task = z.object({
  id: z.number(),
  title: z.string(),
  description: z.string().nullable(),
  completed: z.boolean(),
  priority,
  due_date: z.string().nullable(),
  recurrence_rule: z.string().nullable(),
  user_id: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
  tags: z.array(tag),
});

export const pageOutput = z.object({
  items: z.array(task),
  total: z.number(),
  limit: z.number(),
  offset: z.number(),
});
