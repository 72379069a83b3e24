import {
  comparatorFor,
  emptyUserData,
  matchesFilter,
  type Tag,
  type Task,
  type UserData,
  withTags,
} from "./entities.ts";
import {
  ExpectedError,
  type Fields,
  id,
  isFields,
  listValidators,
  tagValidators,
  taskValidators,
  validate,
} from "./validation.ts";

/** One call by a user, with the data that the server returned for it. */
interface Call {
  user: UserData;
  input: unknown;
  /** Over REST, list parameters are text and there are no cursors. */
  isRest: boolean;
  response: unknown;
}

/** The response that the contract requires: data, or an error's code and field. */
interface Expected {
  data?: unknown;
  /** Whether a row was created; only REST shows it, by status 201. */
  isNew?: boolean;
  code?: string;
  field?: string | undefined;
}

const clearable = { description: null, due_date: null, recurrence_rule: null };
const defaults = { ...clearable, completed: false, priority: "medium" };

/** The maximum of tags of a task. */
const maxTags = 100;

const isTime = (value: unknown): value is string =>
  typeof value === "string" && new Date(value).toISOString() === value;

/** Checks a value that the server chooses, such as an id or a time: the model copies it if it is plausible. */
const assertPlausible = (isPlausible: boolean, problem: string, response: unknown): void => {
  if (!isPlausible) throw new Error(`${problem}: ${JSON.stringify(response)}`);
};

const fieldsOf = (response: unknown): Fields => (isFields(response) ? response : {});

/**
 * A reference implementation of tasks and tags in memory, written from CONTRACT.md; tests compare
 * the server with it.
 */
export class Model {
  readonly #users = new Map<string, UserData>();
  /** Every id that the server has assigned, oldest first; deleted rows included. */
  readonly ids: Record<"task" | "tag", number[]> = { task: [], tag: [] };

  /** Returns a user's rows; creates the user if necessary. */
  dataOf(user_id: string): UserData {
    const user = this.#users.get(user_id) ?? emptyUserData(user_id);
    this.#users.set(user_id, user);
    return user;
  }

  /**
   * Applies a call to the model and returns the expected response.
   * @param user_id the calling user; undefined for a call without a token
   */
  call(user_id: string | undefined, procedure: string, call: Omit<Call, "user">): Expected {
    if (user_id === undefined) return { code: "MISSING_TOKEN" };
    const handler = this.#handlers[procedure];
    if (handler === undefined) throw new Error(`The model has no procedure ${procedure}`);
    try {
      return handler({ ...call, user: this.dataOf(user_id) });
    } catch (error) {
      if (!(error instanceof ExpectedError)) throw error;
      return { code: error.code, field: error.field };
    }
  }

  readonly #handlers: Record<string, (call: Call) => Expected> = {
    "task.create": ({ user, input, response }) => {
      const fields = validate(taskValidators, input, ["title"]);
      const { created_at, updated_at } = fieldsOf(response);
      const isPlausible = isTime(created_at) && isTime(updated_at) && created_at <= updated_at;
      assertPlausible(isPlausible, "Invalid times for a new task", response);
      const task = {
        ...defaults,
        ...fields,
        id: this.#newId("task", response),
        user_id: user.user_id,
        created_at,
        updated_at,
      } as Task; // Safe: the validators have just checked the fields.
      user.tasks.set(task.id, task);
      user.links.set(task.id, new Set());
      return { data: withTags(user, task), isNew: true };
    },
    "task.get": ({ user, input }) => ({ data: withTags(user, this.#task(user, input)) }),
    "task.update": ({ user, input, response }) => {
      const required = ["title", "completed", "priority"];
      const fields = validate({ task_id: id, ...taskValidators }, input, ["task_id", ...required]);
      return this.#change(user, { ...clearable, ...fields }, response);
    },
    "task.patch": ({ user, input, response }) =>
      this.#change(
        user,
        validate({ task_id: id, ...taskValidators }, input, ["task_id"]),
        response,
      ),
    "task.delete": ({ user, input }) => {
      const task = this.#task(user, input);
      user.tasks.delete(task.id);
      user.links.delete(task.id);
      return {};
    },
    "task.addTag": ({ user, input }) => {
      const [task, tag] = this.#taskAndTag(user, input);
      const links = user.links.get(task.id) ?? new Set();
      const isNew = !links.has(tag.id);
      if (isNew && links.size >= maxTags) throw new ExpectedError("VALIDATION_ERROR", "tag_id");
      links.add(tag.id);
      return { data: withTags(user, task), isNew };
    },
    "task.removeTag": ({ user, input }) => {
      const [task, tag] = this.#taskAndTag(user, input);
      user.links.get(task.id)?.delete(tag.id);
      return {};
    },
    "task.list": (call) => ({ data: this.#list(call) }),
    "tag.create": ({ user, input, response }) => {
      const fields = validate(tagValidators, input, ["name"]);
      this.#assertNameAvailable(user, fields);
      // Safe: the validators have just checked the fields.
      const tag = { color: null, ...fields, user_id: user.user_id } as Omit<Tag, "id">;
      const created = { ...tag, id: this.#newId("tag", response) };
      user.tags.set(created.id, created);
      return { data: created, isNew: true };
    },
    "tag.list": ({ user }) => ({ data: [...user.tags.values()] }),
    "tag.update": ({ user, input }) => {
      const { tag_id, ...fields } = validate({ tag_id: id, ...tagValidators }, input, [
        "tag_id",
        "name",
      ]);
      const tag = this.#tag(user, { tag_id });
      this.#assertNameAvailable(user, fields, tag);
      return { data: Object.assign(tag, { color: null, ...fields }) };
    },
    "tag.delete": ({ user, input }) => {
      const tag = this.#tag(user, input);
      user.tags.delete(tag.id);
      for (const links of user.links.values()) links.delete(tag.id);
      return {};
    },
  };

  #newId(kind: "task" | "tag", response: unknown): number {
    const { id: assigned } = fieldsOf(response);
    const newest = this.ids[kind].at(-1) ?? 0;
    const isPlausible = Number.isInteger(assigned) && Number(assigned) > newest;
    assertPlausible(isPlausible, `Invalid id for a new ${kind}`, response);
    this.ids[kind].push(Number(assigned));
    return Number(assigned);
  }

  #task(user: UserData, input: unknown): Task {
    const { task_id } = validate({ task_id: id }, input, ["task_id"]);
    const task = user.tasks.get(Number(task_id));
    if (task === undefined) throw new ExpectedError("TASK_NOT_FOUND");
    return task;
  }

  #tag(user: UserData, input: unknown): Tag {
    const { tag_id } = validate({ tag_id: id }, input, ["tag_id"]);
    const tag = user.tags.get(Number(tag_id));
    if (tag === undefined) throw new ExpectedError("TAG_NOT_FOUND");
    return tag;
  }

  #taskAndTag(user: UserData, input: unknown): [Task, Tag] {
    validate({ task_id: id, tag_id: id }, input, ["task_id", "tag_id"]);
    return [this.#task(user, input), this.#tag(user, input)];
  }

  #assertNameAvailable(user: UserData, { name }: Fields, tag?: Tag): void {
    if ([...user.tags.values()].some((other) => other !== tag && other.name === name))
      throw new ExpectedError("TAG_ALREADY_EXISTS", "name");
  }

  #change(user: UserData, { task_id, ...fields }: Fields, response: unknown): Expected {
    const task = this.#task(user, { task_id });
    const before = { ...task };
    Object.assign(task, fields);
    const { updated_at } = fieldsOf(response);
    const isChanged = JSON.stringify(task) !== JSON.stringify(before);
    // Without fields, updated_at stays. With fields that equal the stored values, the contract leaves it open.
    if (isTime(updated_at) && Object.keys(fields).length > 0) {
      const isPlausible = isChanged
        ? updated_at > before.updated_at
        : updated_at >= before.updated_at;
      assertPlausible(isPlausible, `updated_at not later than ${before.updated_at}`, response);
      task.updated_at = updated_at;
    }
    return { data: withTags(user, task) };
  }

  #list({ user, input, isRest, response }: Call): unknown {
    const queryTexts =
      isRest && isFields(input) ? Object.entries(input).map(([k, v]) => [k, String(v)]) : undefined;
    const parameters = validate(
      listValidators(isRest),
      queryTexts === undefined ? input : Object.fromEntries(queryTexts),
    );
    const {
      page = 1,
      limit = 20,
      sort,
      ...filter
    } = parameters as {
      page?: number;
      limit?: number;
      sort?: string;
    };
    const compare = comparatorFor(sort);
    const matching = [...user.tasks.values()].filter((task) => matchesFilter(user, filter, task));
    const sorted = matching.toSorted(compare);
    const { pageEnd } = user;
    const hasCursor = isFields(input) && input["cursor"] !== undefined && pageEnd !== undefined;
    const remaining = hasCursor
      ? sorted.filter((task) => compare(pageEnd.lastTask, task) < 0)
      : sorted.slice((page - 1) * limit);
    const items = remaining.slice(0, limit);
    const result = {
      items: items.map((task) => withTags(user, task)),
      total: matching.length,
      page,
      limit,
      pages: Math.ceil(matching.length / limit),
    };
    if (isRest) return result;
    const { next_cursor } = fieldsOf(response);
    const lastTask = items.at(-1);
    if (remaining.length <= limit || lastTask === undefined)
      return { ...result, next_cursor: null };
    const cursor = String(next_cursor);
    user.pageEnd = { cursor, sort, lastTask: { ...lastTask } };
    return { ...result, next_cursor: cursor };
  }
}
