import type { Fields } from "./rules.ts";

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

/** Where a list that goes on by cursor has come to. */
interface Bookmark {
  cursor: string;
  sort: string | undefined;
  last: Task;
}

/** All that one user has; the maps are by id, oldest first. */
export interface Belongings {
  user_id: string;
  tasks: Map<number, Task>;
  tags: Map<number, Tag>;
  /** The ids of each task's tags. */
  links: Map<number, Set<number>>;
  bookmark: Bookmark | undefined;
}

export const nothing = (user_id: string): Belongings => ({
  user_id,
  tasks: new Map(),
  tags: new Map(),
  links: new Map(),
  bookmark: undefined,
});

/** A task as it is answered. */
export const withTags = ({ tags, links }: Belongings, task: Task): Fields => {
  const ids = links.get(task.id) ?? new Set();
  return { ...task, tags: [...tags.values()].filter(({ id }) => ids.has(id)) };
};

// Letter by letter: JavaScript lowers a sigma by its place in a word, which a search knows nothing of.
const fold = (text: string): string =>
  Array.from(text, (letter) => letter.toLowerCase())
    .join("")
    .replaceAll("ς", "σ");

const ranks = { high: 1, medium: 2, low: 3 };

const byText = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

const comparisons: Record<string, (a: Task, b: Task) => number> = {
  created_at: (a, b) => byText(a.created_at, b.created_at),
  priority: (a, b) => ranks[a.priority] - ranks[b.priority],
  title: (a, b) => byText(fold(a.title), fold(b.title)),
  // After every year that a date may have.
  due_date: (a, b) => byText(a.due_date ?? "none", b.due_date ?? "none"),
};

/** How a sort compares two tasks; ties go by id. */
export const comparisonOf = (sort: string | undefined): ((a: Task, b: Task) => number) => {
  const compare = comparisons[sort?.replace("-", "") ?? ""] ?? (() => 0);
  const sign = sort?.startsWith("-") ? -1 : 1;
  return (a, b) => sign * compare(a, b) || a.id - b.id;
};

interface Filter {
  q?: string;
  status?: string;
  priority?: string;
  tag?: string;
}

/** Whether a filter, whose parts have passed their rules, lets a task through. */
export const matches = (own: Belongings, filter: Filter, task: Task): boolean => {
  const { q = "", status = "all", priority, tag } = filter;
  const contains = (text: string | null) => text !== null && fold(text).includes(fold(q));
  const tags = [...own.tags.values()].filter(({ id, name }) => name === tag || String(id) === tag);
  return (
    (q === "" || contains(task.title) || contains(task.description)) &&
    (status === "all" || task.completed === (status === "completed")) &&
    (priority === undefined || task.priority === priority) &&
    (tag === undefined || tags.some(({ id }) => own.links.get(task.id)?.has(id)))
  );
};
