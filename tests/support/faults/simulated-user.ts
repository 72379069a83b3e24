import { setTimeout as sleep } from "node:timers/promises";
import { type ErrorCode, tag, task, taskPageWithCursor, token } from "@taskwire/shared";
import type { z } from "zod";
import { signedInUser } from "../client/signed-in-user.ts";
import { required } from "../setup/required.ts";
import { type CallResponse, newRefreshCookieOf, type Transport } from "../client/transports.ts";

/** The outcome of one call. */
export interface Outcome {
  procedure: string;
  /** URL of the server. */
  to: string;
  /** When the call was sent, in milliseconds of `performance.now()`. */
  at: number;
  /** Milliseconds until the response or the connection error. */
  ms: number;
  /** undefined: success. "broken": the connection failed before a response. */
  code: ErrorCode | "broken" | undefined;
  /** Node's error code of a broken connection. */
  cause: string | undefined;
  retryAfter: string | null;
}

/** The acknowledged state of a task. */
interface ExpectedTask {
  title: string;
  tags: Set<number>;
  /** A change without acknowledgement: it may or may not be stored. The user does not change the task any more. */
  attempt?: { title?: string; tag?: number; deleted?: true };
}

/** A user that repeats calls, and remembers each acknowledged change. */
export interface SimulatedUser {
  stop: () => Promise<void>;
  /** Reads all data back. Returns the differences from the acknowledged changes, a sentence each. */
  check: () => Promise<string[]>;
}

interface SimulatedUserOptions {
  /** Returns the URL of the server for the next call. */
  url: () => string;
  transport: Transport;
  /** Returns numbers from 0 to 1, 1 excluded. */
  random: () => number;
  /** Milliseconds between a response and the next call. */
  pause: number;
  /** Runs after each call. */
  onOutcome: (outcome: Outcome) => void;
  /** Runs for each response that contradicts the acknowledged changes; receives a sentence. */
  onViolation: (sentence: string) => void;
}

const page = taskPageWithCursor.partial({ next_cursor: true });

/** Above this number of tasks, each creation becomes a deletion, so that a long run stays as fast as a short one. */
const maxTasks = 300;

/** Registers a user, and starts its calls. */
export const startSimulatedUser = async (options: SimulatedUserOptions): Promise<SimulatedUser> => {
  const { url, transport, random, onOutcome, onViolation } = options;
  const user = await signedInUser({ url: url() }, { transport });
  const tasks = new Map<number, ExpectedTask>();
  const tags = new Set<number>();
  const deletedTasks = new Set<number>();
  /** Titles of tasks whose creation was not acknowledged: each may exist. */
  const attemptedTitles = new Set<string>();
  let count = 0;
  const stopping = new AbortController();

  /** Calls a procedure, and returns the response if it succeeds. The expected error code counts as success in the outcome. */
  const call = async (
    procedure: string,
    input?: unknown,
    expected?: ErrorCode,
  ): Promise<CallResponse | undefined> => {
    const [to, at] = [url(), performance.now()];
    let response: CallResponse | undefined;
    let cause: string | undefined;
    try {
      const { token: bearer } = user;
      // Without the cookie, a sign-in whose response is lost leaves the old session as it is.
      const cookie = procedure === "auth.login" ? undefined : user.cookie;
      response = await transport.call(to, procedure, input, { token: bearer, cookie });
    } catch (error) {
      // Node's errors of a broken connection have a code. An error without one reports a malformed response.
      if (error instanceof Error && "code" in error) cause = String(error.code);
      else onViolation(`${procedure}: ${String(error)}`);
    }
    const ms = performance.now() - at;
    const errorCode = response?.error?.code === expected ? undefined : response?.error?.code;
    const code = response === undefined ? "broken" : errorCode;
    const retryAfter = response?.headers.get("retry-after") ?? null;
    onOutcome({ procedure, to, at, ms, code, cause, retryAfter });
    return response?.error === undefined ? response : undefined;
  };

  const pick = <Item>(items: readonly Item[]): Item | undefined =>
    items[Math.floor(random() * items.length)];
  const pickSettled = () => pick([...tasks].filter(([, { attempt }]) => attempt === undefined));

  /** Returns the differences between a task in a response and its acknowledged state. */
  const differences = (actual: z.output<typeof task>): string[] => {
    const expected = tasks.get(actual.id);
    if (actual.user_id !== user.id) return [`task ${actual.id} belongs to another user`];
    if (deletedTasks.has(actual.id)) return [`task ${actual.id} was deleted but exists`];
    if (expected === undefined) {
      return attemptedTitles.has(actual.title) ? [] : [`task ${actual.id} was never created`];
    }
    const titles = [expected.title, expected.attempt?.title];
    const missing = [...expected.tags].filter((id) => !actual.tags.some((each) => each.id === id));
    return [
      ...(titles.includes(actual.title) ? [] : [`task ${actual.id} is not "${expected.title}"`]),
      ...missing.map((id) => `task ${actual.id} lost tag ${id}`),
      ...actual.tags
        .filter(({ id, user_id }) => !tags.has(id) || user_id !== user.id)
        .map(({ id }) => `task ${actual.id} has the foreign tag ${id}`),
    ];
  };

  const checkTask = (actual: z.output<typeof task>): void => {
    for (const difference of differences(actual)) onViolation(difference);
  };

  const renewTokens = async (procedure: string, input?: unknown): Promise<void> => {
    const response = await call(procedure, input);
    if (response === undefined) return;
    user.token = token.parse(response.data).access_token;
    user.cookie = newRefreshCookieOf(response).value;
  };

  const steps: Record<string, () => Promise<void>> = {
    create: async () => {
      if (tasks.size >= maxTasks) return steps["delete"]?.();
      const title = `${user.id} ${++count}`;
      attemptedTitles.add(title);
      const response = await call("task.create", { title });
      if (response === undefined) return;
      attemptedTitles.delete(title);
      tasks.set(task.parse(response.data).id, { title, tags: new Set() });
    },
    patch: async () => {
      const [task_id, expected] = pickSettled() ?? [];
      if (expected === undefined) return;
      const title = `${user.id} ${++count}`;
      const response = await call("task.patch", { task_id, title });
      if (response === undefined) expected.attempt = { title };
      else expected.title = title;
    },
    delete: async () => {
      const [task_id, expected] = pickSettled() ?? [];
      if (task_id === undefined || expected === undefined || tasks.size < 10) return;
      const response = await call("task.delete", { task_id });
      if (response === undefined) expected.attempt = { deleted: true };
      else if (tasks.delete(task_id)) deletedTasks.add(task_id);
    },
    get: async () => {
      const [task_id] = pickSettled() ?? [];
      if (task_id === undefined) return;
      const response = await call("task.get", { task_id });
      if (response !== undefined) checkTask(task.parse(response.data));
    },
    foreign: async () => {
      const task_id = 1 + Math.floor(random() * Math.max(0, ...tasks.keys(), ...deletedTasks));
      if (tasks.has(task_id)) return;
      const response = await call("task.get", { task_id }, "TASK_NOT_FOUND");
      if (response !== undefined) checkTask(task.parse(response.data));
    },
    list: async () => {
      const response = await call("task.list", { limit: 20, sort: "-created_at" });
      if (response !== undefined) page.parse(response.data).items.forEach(checkTask);
    },
    tag: async () => {
      if (tags.size < 3) {
        const created = await call("tag.create", { name: `Tag ${++count}` });
        if (created !== undefined) tags.add(tag.parse(created.data).id);
        return;
      }
      const [[task_id, expected] = [], tag_id] = [pickSettled(), pick([...tags])];
      if (expected === undefined || tag_id === undefined) return;
      const response = await call("task.addTag", { task_id, tag_id });
      if (response === undefined) expected.attempt = { tag: tag_id };
      else expected.tags.add(tag_id);
    },
    refresh: () => renewTokens("auth.refresh"),
    login: () => renewTokens("auth.login", { email: user.email, password: user.password }),
    me: async () => {
      const response = await call("auth.me");
      if (response !== undefined && !response.text.includes(user.id)) {
        onViolation("auth.me returned another user");
      }
    },
  };
  /** The probability of a step is the number of its occurrences. */
  const mix = "create create create patch patch get get list foreign delete tag me refresh".split(
    " ",
  );
  let sinceLogin = 0;

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // A sign-in computes a hash: every 50th call, so that it is covered and does not dominate.
      const name = ++sinceLogin % 50 === 0 ? "login" : required(pick(mix), "a step");
      await required(steps[name], `the step ${name}`)();
      await sleep(options.pause);
    }
  };
  const running = run().catch((error: unknown) => onViolation(String(error)));

  /** Reads all tasks, page by page. */
  const readAll = async (): Promise<z.output<typeof task>[]> => {
    const all: z.output<typeof task>[] = [];
    for (let number = 1; number <= 1000; number++) {
      const response = await call("task.list", { page: number, limit: 100, sort: "created_at" });
      if (response === undefined) throw new Error("The tasks cannot be read back");
      const { items, pages } = page.parse(response.data);
      all.push(...items);
      if (number >= pages) return all;
    }
    throw new Error("The tasks have more than a thousand pages");
  };

  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
    check: async () => {
      const all = await readAll();
      const ids = new Set(all.map(({ id }) => id));
      const lost = [...tasks].filter(([id, { attempt }]) => !ids.has(id) && !attempt?.deleted);
      return [...all.flatMap(differences), ...lost.map(([id]) => `task ${id} is lost`)];
    },
  };
};
