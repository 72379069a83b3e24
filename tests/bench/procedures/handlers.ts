import type { z } from "zod";
import type {
  createInput,
  helloInput,
  helloOutput,
  pageInput,
  pageOutput,
  task,
} from "./schemas.ts";

// What the three procedures do: no database, no clock, no random numbers, so that all servers return the same.

type Task = z.output<typeof task>;

const time = "2030-01-01T00:00:00.000Z";
const user_id = "0197a9a2-0000-7000-8000-000000000001";
const total = 100;

const tasks = Array.from({ length: total }, (_, index): Task => {
  const id = index + 1;
  const tagOf = (which: number) => ({ id: which, name: `Tag ${which}`, color: "#3366FF", user_id });
  return {
    id,
    title: `Task ${id}`,
    description: `The description of task ${id}, a line as people write it`,
    completed: id % 3 === 0,
    priority: "medium",
    due_date: time,
    recurrence_rule: null,
    user_id,
    created_at: time,
    updated_at: time,
    tags: [tagOf((id % 20) + 1), tagOf(((id + 7) % 20) + 1)],
  };
});

export const hello = ({ name }: z.output<typeof helloInput>): z.output<typeof helloOutput> => ({
  message: `Hello, ${name}`,
});

export const page = ({
  limit,
  offset,
}: z.output<typeof pageInput>): z.output<typeof pageOutput> => ({
  items: tasks.slice(offset, offset + limit),
  total,
  limit,
  offset,
});

export const create = (input: z.output<typeof createInput>): Task => ({
  ...input,
  id: total + 1,
  recurrence_rule: null,
  user_id,
  created_at: time,
  updated_at: time,
  tags: [],
});
