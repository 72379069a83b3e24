import { fold } from "../client/listing.ts";

export interface Tag {
  id: number;
  name: string;
  color: string | null;
  user_id: string;
}

export interface Task {
  id: number;
  title: string;
  description: string | null;
  completed: boolean;
  priority: "low" | "medium" | "high";
  due_date: string | null;
  recurrence_rule: string | null;
  user_id: string;
  created_at: string;
  updated_at: string;
}

/** The end of the last page that a user read with a next page behind it. */
interface PageEnd {
  cursor: string;
  sort: string | undefined;
  lastTask: Task;
}

/** The rows of one user. Maps are keyed by id and iterate oldest first. */
export interface UserData {
  user_id: string;
  tasks: Map<number, Task>;
  tags: Map<number, Tag>;
  /** Tag ids by task id. */
  links: Map<number, Set<number>>;
  pageEnd: PageEnd | undefined;
}

export const emptyUserData = (user_id: string): UserData => ({
  user_id,
  tasks: new Map(),
  tags: new Map(),
  links: new Map(),
  pageEnd: undefined,
});

/** Returns a task as the API returns it, with its tags. */
export const withTags = ({ tags, links }: UserData, task: Task): Record<string, unknown> => {
  const ids = links.get(task.id) ?? new Set();
  return { ...task, tags: [...tags.values()].filter(({ id }) => ids.has(id)) };
};

// Literal, not imported from @taskwire/shared: with the server's own ranks the model would compare
// the server with itself.
const priorityRanks = { high: 1, medium: 2, low: 3 };

const compareText = (a: string, b: string): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b));

const comparators: Record<string, (a: Task, b: Task) => number> = {
  created_at: (a, b) => compareText(a.created_at, b.created_at),
  priority: (a, b) => priorityRanks[a.priority] - priorityRanks[b.priority],
  title: (a, b) => compareText(fold(a.title), fold(b.title)),
  // "none" sorts after every date, as a letter sorts after a digit.
  due_date: (a, b) => compareText(a.due_date ?? "none", b.due_date ?? "none"),
};

/** Returns the comparator for a sort parameter; equal tasks are ordered by id. */
export const comparatorFor = (sort: string | undefined): ((a: Task, b: Task) => number) => {
  const compare = comparators[sort?.replace("-", "") ?? ""] ?? (() => 0);
  const sign = sort?.startsWith("-") ? -1 : 1;
  return (a, b) => sign * compare(a, b) || a.id - b.id;
};

interface Filter {
  q?: string;
  status?: string;
  priority?: string;
  tag?: string;
}

/** Returns whether a task matches a validated filter. */
export const matchesFilter = (user: UserData, filter: Filter, task: Task): boolean => {
  const { q = "", status = "all", priority, tag } = filter;
  const contains = (text: string | null) => text !== null && fold(text).includes(fold(q));
  const tags = [...user.tags.values()].filter(({ id, name }) => name === tag || String(id) === tag);
  return (
    (q === "" || contains(task.title) || contains(task.description)) &&
    (status === "all" || task.completed === (status === "completed")) &&
    (priority === undefined || task.priority === priority) &&
    (tag === undefined || tags.some(({ id }) => user.links.get(task.id)?.has(id)))
  );
};
