import type { Orm } from "@taskwire/server/db/orm.ts";
import type { SignedInUser, Task } from "./signed-in-user.ts";

/** The values of `sort`; undefined sorts by id. */
export const sorts = [
  undefined,
  "created_at",
  "-created_at",
  "due_date",
  "-due_date",
  "priority",
  "-priority",
  "title",
  "-title",
] as const;
export type Sort = (typeof sorts)[number];

/** Folds the case of each letter alone, so that a final sigma equals a sigma. */
export const fold = (text: string): string =>
  Array.from(text, (letter) => letter.toUpperCase().toLowerCase()).join("");

const ranks = { high: 1, medium: 2, low: 3 };

/** Compares by code points: UTF-8's bytes have the same order. */
const compareText = (a: string, b: string): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b));

const comparisons: Record<string, (a: Task, b: Task) => number> = {
  created_at: (a, b) => compareText(a.created_at, b.created_at),
  // A task without a due date comes last: a digit sorts before a tilde.
  due_date: (a, b) => compareText(a.due_date ?? "~", b.due_date ?? "~"),
  priority: (a, b) => ranks[a.priority] - ranks[b.priority],
  title: (a, b) => compareText(fold(a.title), fold(b.title)),
};

/** Sorts as CONTRACT.md ("Listing") says, in plain JavaScript: the expected order. */
export const ordered = (tasks: readonly Task[], sort: Sort): Task[] => {
  const compare = comparisons[sort?.replace("-", "") ?? ""] ?? (() => 0);
  const sign = sort?.startsWith("-") ? -1 : 1;
  return tasks.toSorted((a, b) => sign * compare(a, b) || a.id - b.id);
};

export const idsOf = (tasks: readonly Task[]): number[] => tasks.map(({ id }) => id);

const titles = [
  "apple pie",
  "Zebra",
  "APPLE PIE",
  "Äpfel",
  "äpfel",
  "Ωmega ΟΔΟΣ",
  "ωmega οδος",
  "Яблоко",
  "яблоко",
  "100% sure",
  "1000 sure",
  "a_b",
  "axb",
  String.raw`back\slash`,
  "\u{1F389} party",
  "_",
];
const descriptions = [
  null,
  "apple in here",
  "MÜSLI",
  "",
  "ПРИВЕТ, мир",
  String.raw`50% of C:\temp_1`,
];
const dueDates = [
  null,
  "2030-01-01T00:00:00.000Z",
  "2020-06-01T12:00:00.000Z",
  null,
  "2030-01-01T00:00:00.000Z",
];
const priorities = ["medium", "high", "low", "medium"];

/** Creates 40 tasks and two tags: every filter matches some of them, and every sort meets ties and nulls. Returns the tasks. */
export const fillList = async (actor: SignedInUser, orm: Orm): Promise<Task[]> => {
  const work = await actor.newTag("Work");
  // The name of this tag is the id of the other.
  const digits = await actor.newTag(String(work.id));
  for (let i = 0; i < 40; i++) {
    const { id: task_id } = await actor.newTask({
      title: titles[i % titles.length],
      description: descriptions[i % descriptions.length],
      completed: i % 3 === 0,
      priority: priorities[i % priorities.length],
      due_date: dueDates[i % dueDates.length],
    });
    if (i % 4 === 0) await actor.call("task.addTag", { task_id, tag_id: work.id });
    if (i % 6 === 0) await actor.call("task.addTag", { task_id, tag_id: digits.id });
  }
  const em = orm.em.fork();
  await em.execute(
    "update tasks set created_at = timestamptz '2026-01-01' - (id % 5) * interval '1 hour' where user_id = ?",
    [actor.id],
  );
  return (await actor.page({ limit: 100 })).items;
};
