import {
  type Fields,
  id,
  isFields,
  listRules,
  read,
  Refusal,
  tagRules,
  taskRules,
} from "./rules.ts";
import {
  type Belongings,
  comparisonOf,
  matches,
  nothing,
  type Tag,
  type Task,
  withTags,
} from "./things.ts";

/** One call, and what the product answered it. */
interface Call {
  own: Belongings;
  input: unknown;
  /** Over REST a list's parameters are texts, and there are no cursors. */
  isRest: boolean;
  answer: unknown;
}

/** What a call should have answered; REST alone tells by its status what is new. */
interface Expected {
  data?: unknown;
  isNew?: boolean;
  code?: string;
  field?: string | undefined;
}

const clearable = { description: null, due_date: null, recurrence_rule: null };
const defaults = { ...clearable, completed: false, priority: "medium" };

const isTime = (value: unknown): value is string =>
  typeof value === "string" && new Date(value).toISOString() === value;

/** Looks at what nobody can foretell, and so has to be believed. */
const assertSane = (isSane: boolean, what: string, answer: unknown): void => {
  if (!isSane) throw new Error(`${what}: ${JSON.stringify(answer)}`);
};

const seen = (answer: unknown): Fields => (isFields(answer) ? answer : {});

/** Tasks and tags in memory, by the rules of CONTRACT.md alone: what the product does is compared with it. */
export class Model {
  readonly #users = new Map<string, Belongings>();
  /** Every id that was ever given, oldest first. */
  readonly ids: Record<"task" | "tag", number[]> = { task: [], tag: [] };

  /** All that a user has. */
  of(user_id: string): Belongings {
    const own = this.#users.get(user_id) ?? nothing(user_id);
    this.#users.set(user_id, own);
    return own;
  }

  /**
   * Does what a call should do.
   * @param user_id who calls; nobody without one
   */
  call(user_id: string | undefined, procedure: string, call: Omit<Call, "own">): Expected {
    if (user_id === undefined) return { code: "MISSING_TOKEN" };
    const act = this.#acts[procedure];
    if (act === undefined) throw new Error(`The model knows no ${procedure}`);
    try {
      return act({ ...call, own: this.of(user_id) });
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      return { code: refusal.code, field: refusal.field };
    }
  }

  readonly #acts: Record<string, (call: Call) => Expected> = {
    "task.create": ({ own, input, answer }) => {
      const fields = read(taskRules, input, ["title"]);
      const { created_at, updated_at } = seen(answer);
      const isSane = isTime(created_at) && isTime(updated_at) && created_at <= updated_at;
      assertSane(isSane, "Not the times of a new task", answer);
      const task = {
        ...defaults,
        ...fields,
        id: this.#newId("task", answer),
        user_id: own.user_id,
        created_at,
        updated_at,
      } as Task; // The rules have just made the fields what they are.
      own.tasks.set(task.id, task);
      own.links.set(task.id, new Set());
      return { data: withTags(own, task), isNew: true };
    },
    "task.get": ({ own, input }) => ({ data: withTags(own, this.#task(own, input)) }),
    "task.update": ({ own, input, answer }) => {
      const required = ["title", "completed", "priority"];
      const fields = read({ task_id: id, ...taskRules }, input, ["task_id", ...required]);
      return this.#change(own, { ...clearable, ...fields }, answer);
    },
    "task.patch": ({ own, input, answer }) =>
      this.#change(own, read({ task_id: id, ...taskRules }, input, ["task_id"]), answer),
    "task.delete": ({ own, input }) => {
      const task = this.#task(own, input);
      own.tasks.delete(task.id);
      own.links.delete(task.id);
      return {};
    },
    "task.addTag": ({ own, input }) => {
      const [task, tag] = this.#taskAndTag(own, input);
      const links = own.links.get(task.id) ?? new Set();
      const isNew = !links.has(tag.id);
      links.add(tag.id);
      return { data: withTags(own, task), isNew };
    },
    "task.removeTag": ({ own, input }) => {
      const [task, tag] = this.#taskAndTag(own, input);
      own.links.get(task.id)?.delete(tag.id);
      return {};
    },
    "task.list": (call) => ({ data: this.#list(call) }),
    "tag.create": ({ own, input, answer }) => {
      const fields = read(tagRules, input, ["name"]);
      this.#assertFreeName(own, fields);
      // The rules have just made the fields what they are.
      const tag = { color: null, ...fields, user_id: own.user_id } as Omit<Tag, "id">;
      const made = { ...tag, id: this.#newId("tag", answer) };
      own.tags.set(made.id, made);
      return { data: made, isNew: true };
    },
    "tag.list": ({ own }) => ({ data: [...own.tags.values()] }),
    "tag.update": ({ own, input }) => {
      const { tag_id, ...fields } = read({ tag_id: id, ...tagRules }, input, ["tag_id", "name"]);
      const tag = this.#tag(own, { tag_id });
      this.#assertFreeName(own, fields, tag);
      return { data: Object.assign(tag, { color: null, ...fields }) };
    },
    "tag.delete": ({ own, input }) => {
      const tag = this.#tag(own, input);
      own.tags.delete(tag.id);
      for (const links of own.links.values()) links.delete(tag.id);
      return {};
    },
  };

  #newId(kind: "task" | "tag", answer: unknown): number {
    const { id: given } = seen(answer);
    const newest = this.ids[kind].at(-1) ?? 0;
    const isSane = Number.isInteger(given) && Number(given) > newest;
    assertSane(isSane, `Not the id of a new ${kind}`, answer);
    this.ids[kind].push(Number(given));
    return Number(given);
  }

  #task(own: Belongings, input: unknown): Task {
    const { task_id } = read({ task_id: id }, input, ["task_id"]);
    const task = own.tasks.get(Number(task_id));
    if (task === undefined) throw new Refusal("TASK_NOT_FOUND");
    return task;
  }

  #tag(own: Belongings, input: unknown): Tag {
    const { tag_id } = read({ tag_id: id }, input, ["tag_id"]);
    const tag = own.tags.get(Number(tag_id));
    if (tag === undefined) throw new Refusal("TAG_NOT_FOUND");
    return tag;
  }

  #taskAndTag(own: Belongings, input: unknown): [Task, Tag] {
    read({ task_id: id, tag_id: id }, input, ["task_id", "tag_id"]);
    return [this.#task(own, input), this.#tag(own, input)];
  }

  #assertFreeName(own: Belongings, { name }: Fields, tag?: Tag): void {
    if ([...own.tags.values()].some((other) => other !== tag && other.name === name))
      throw new Refusal("TAG_ALREADY_EXISTS", "name");
  }

  #change(own: Belongings, { task_id, ...fields }: Fields, answer: unknown): Expected {
    const task = this.#task(own, { task_id });
    const before = { ...task };
    Object.assign(task, fields);
    const { updated_at } = seen(answer);
    const isChanged = JSON.stringify(task) !== JSON.stringify(before);
    // Without any field nothing is changed; with the values that were there already, it may count as a change or not.
    if (isTime(updated_at) && Object.keys(fields).length > 0) {
      const isSane = isChanged ? updated_at > before.updated_at : updated_at >= before.updated_at;
      assertSane(isSane, `updated_at did not move from ${before.updated_at}`, answer);
      task.updated_at = updated_at;
    }
    return { data: withTags(own, task) };
  }

  #list({ own, input, isRest, answer }: Call): unknown {
    const said =
      isRest && isFields(input) ? Object.entries(input).map(([k, v]) => [k, String(v)]) : undefined;
    const given = read(listRules(isRest), said === undefined ? input : Object.fromEntries(said));
    const {
      page = 1,
      limit = 20,
      sort,
      ...filter
    } = given as {
      page?: number;
      limit?: number;
      sort?: string;
    };
    const compare = comparisonOf(sort);
    const found = [...own.tasks.values()].filter((task) => matches(own, filter, task));
    const sorted = found.toSorted(compare);
    const { bookmark } = own;
    const follows = isFields(input) && input["cursor"] !== undefined && bookmark !== undefined;
    const rest = follows
      ? sorted.filter((task) => compare(bookmark.last, task) < 0)
      : sorted.slice((page - 1) * limit);
    const items = rest.slice(0, limit);
    const counted = { total: found.length, page, limit, pages: Math.ceil(found.length / limit) };
    const listed = { items: items.map((task) => withTags(own, task)), ...counted };
    if (isRest) return listed;
    const { next_cursor } = seen(answer);
    const last = items.at(-1);
    if (rest.length <= limit || last === undefined) return { ...listed, next_cursor: null };
    const cursor = String(next_cursor);
    own.bookmark = { cursor, sort, last: { ...last } };
    return { ...listed, next_cursor: cursor };
  }
}
