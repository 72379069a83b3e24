import type { Priority } from "@taskwire/shared";
import type { Identity } from "../security/tokens.ts";
import type { ServiceContext, UserContext } from "./context.ts";
import * as tag from "./tag.ts";
import * as task from "./task/task.ts";
import * as taskTags from "./task/tags.ts";

const tags = [
  { name: "Work", color: "#3366CC" },
  { name: "Home", color: "#2E8B57" },
  { name: "Errands", color: "#FF9933" },
  { name: "Health", color: "#CC3366" },
  { name: "Someday" },
];

/** A task, with its due date in days from now, or null. */
type Example = readonly [
  title: string,
  priority: Priority,
  dueInDays: number | null,
  tags: readonly string[],
  more?: { description?: string; completed?: boolean; recurrence_rule?: string },
];

const examples: readonly Example[] = [
  [
    "Send the quarterly report to Ms. Okafor",
    "high",
    1,
    ["Work"],
    { description: "Figures are in the shared folder; the chart on page 3 still shows last year." },
  ],
  ["Prepare slides for the planning meeting", "high", 3, ["Work"]],
  ["Review Jonas's pull request", "medium", 0, ["Work"]],
  ["Answer the auditor's questions", "high", -2, ["Work"]],
  ["Book travel to the Lisbon workshop", "medium", 12, ["Work", "Errands"]],
  ["Write down how releases are made", "low", null, ["Work", "Someday"]],
  ["Water the plants", "medium", 2, ["Home"], { recurrence_rule: "FREQ=WEEKLY;BYDAY=MO,TH" }],
  [
    "Take out the recycling",
    "medium",
    4,
    ["Home"],
    { recurrence_rule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE" },
  ],
  [
    "Pay the electricity bill",
    "high",
    6,
    ["Home"],
    { recurrence_rule: "FREQ=MONTHLY;BYMONTHDAY=15" },
  ],
  ["Descale the coffee machine", "low", -9, ["Home"]],
  ["Hang the pictures in the hallway", "low", null, ["Home", "Someday"]],
  [
    "Buy a present for Grandma's 80th birthday",
    "high",
    9,
    ["Errands"],
    { description: "She mentioned a bird feeder." },
  ],
  [
    "Collect the parcel from the post office",
    "medium",
    1,
    ["Errands"],
    { description: "Bring the slip and a passport." },
  ],
  ["Return the library books", "medium", -1, ["Errands"]],
  ["Have the bicycle's brakes adjusted", "low", 20, ["Errands", "Health"]],
  [
    "Dentist appointment",
    "high",
    16,
    ["Health"],
    { description: "10:40, Dr. Lindqvist; bring the insurance card." },
  ],
  ["Run 5 km", "medium", 2, ["Health"], { recurrence_rule: "FREQ=WEEKLY;BYDAY=TU,SA" }],
  ["Renew the prescription", "medium", 7, ["Health", "Errands"]],
  ["Learn to bake sourdough", "low", null, ["Someday"]],
  ["Plan a weekend in the mountains", "low", 45, ["Someday", "Health"]],
  ["File last year's tax return", "high", -30, ["Home"], { completed: true }],
  ["Order new business cards", "low", -14, ["Work"], { completed: true }],
  [
    "Fix the dripping tap",
    "medium",
    -5,
    ["Home"],
    { completed: true, description: "Washer size 3/8." },
  ],
  ["Call the insurance about the claim", "medium", -3, ["Errands"], { completed: true }],
];

const dayInMilliseconds = 86_400_000;

/**
 * Creates realistic tags and tasks for a user.
 * @param now the due dates are some days before or after it
 * @returns how many were created
 */
export const fillDemo = async (
  ctx: ServiceContext,
  user: Identity,
  now: Date,
): Promise<{ tags: number; tasks: number }> => {
  const userContext: UserContext = { ...ctx, user };
  const ids = new Map<string, number>();
  for (const fields of tags) ids.set(fields.name, (await tag.create(userContext, fields)).id);
  for (const [title, priority, dueInDays, tagNames, more] of examples) {
    const due_date =
      dueInDays === null
        ? null
        : new Date(now.getTime() + dueInDays * dayInMilliseconds).toISOString();
    const { id } = await task.create(userContext, {
      title,
      priority,
      due_date,
      completed: false,
      ...more,
    });
    for (const name of tagNames) {
      const tag_id = ids.get(name);
      if (tag_id !== undefined) await taskTags.add(userContext, { task_id: id, tag_id });
    }
  }
  return { tags: tags.length, tasks: examples.length };
};
