import { setTimeout as sleep } from "node:timers/promises";
import { type ErrorCode, tag, task, taskPageWithCursor } from "@taskwire/shared";
import { z } from "zod";
import { type Answer, type Transport, refreshCookieOf } from "../client/transports.ts";
import { signUp } from "../client/people.ts";

/** How a call ended: "broken" where the connection did, before there was an answer. */
export interface Outcome {
  procedure: string;
  /** The server that was called. */
  to: string;
  /** When it was sent, in milliseconds of `performance.now()`. */
  at: number;
  /** How long the answer took, in milliseconds. */
  ms: number;
  code: ErrorCode | "broken" | undefined;
  /** How the connection broke, by Node's code. */
  cause: string | undefined;
  retryAfter: string | null;
}

/** What a lane knows of a task of its own. */
interface Known {
  title: string;
  tags: Set<number>;
  /** Set when a change was not acknowledged: it may have happened, and the task is left alone since. */
  attempt?: { title?: string; tag?: number; deleted?: true };
}

/** One user who calls again and again, and remembers what was acknowledged. */
export interface SimulatedUser {
  stop: () => Promise<void>;
  /** Reads everything back. What is not as it was acknowledged, a sentence each. */
  check: () => Promise<string[]>;
}

interface SimulatedUserOptions {
  /** Where the next call goes. */
  url: () => string;
  transport: Transport;
  /** From 0 to 1, without 1. */
  random: () => number;
  /** Milliseconds between an answer and the next call. */
  pause: number;
  /** Hears of every call. */
  told: (outcome: Outcome) => void;
  /** Hears of what must never be, a sentence each. */
  wrong: (sentence: string) => void;
}

const page = taskPageWithCursor.partial({ next_cursor: true });
const token = z.object({ access_token: z.string() });

/** A user who has that many deletes one before the next, so that hours are no longer than minutes. */
const maxTasks = 300;

/** Signs a new user up and starts calling. */
export const startSimulatedUser = async (options: SimulatedUserOptions): Promise<SimulatedUser> => {
  const { url, transport, random, told, wrong } = options;
  const person = await signUp(url(), transport);
  const tasks = new Map<number, Known>();
  const tags = new Set<number>();
  const gone = new Set<number>();
  /** Titles of tasks that may have been made, unacknowledged. */
  const attempted = new Set<string>();
  let count = 0;
  const stopping = new AbortController();

  /** The answer, if it was a success; a refusal that is expected is none, and nothing to tell of. */
  const call = async (
    procedure: string,
    input?: unknown,
    expected?: ErrorCode,
  ): Promise<Answer | undefined> => {
    const [to, at] = [url(), performance.now()];
    let answer: Answer | undefined;
    let cause: string | undefined;
    try {
      const { token: bearer, cookie } = person;
      answer = await transport.call(to, procedure, input, { token: bearer, cookie });
    } catch (error) {
      // Node's own errors of a broken connection have a code; ours of a wrong answer have none.
      if (error instanceof Error && "code" in error) cause = String(error.code);
      else wrong(`${procedure}: ${String(error)}`);
    }
    const ms = performance.now() - at;
    const refusal = answer?.error?.code === expected ? undefined : answer?.error?.code;
    const code = answer === undefined ? "broken" : refusal;
    const retryAfter = answer?.headers.get("retry-after") ?? null;
    told({ procedure, to, at, ms, code, cause, retryAfter });
    return answer?.error === undefined ? answer : undefined;
  };

  const pick = <Item>(items: readonly Item[]): Item | undefined =>
    items[Math.floor(random() * items.length)];
  const settled = () => pick([...tasks].filter(([, { attempt }]) => attempt === undefined));

  /** What differs between a task as it is answered and as it was acknowledged. */
  const differences = (found: z.output<typeof task>): string[] => {
    const known = tasks.get(found.id);
    if (found.user_id !== person.id) return [`task ${found.id} is somebody else's`];
    if (gone.has(found.id)) return [`task ${found.id} is back`];
    if (known === undefined) {
      return attempted.has(found.title) ? [] : [`task ${found.id} was never made`];
    }
    const titles = [known.title, known.attempt?.title];
    const missing = [...known.tags].filter((id) => !found.tags.some((each) => each.id === id));
    return [
      ...(titles.includes(found.title) ? [] : [`task ${found.id} is not "${known.title}"`]),
      ...missing.map((id) => `task ${found.id} lost tag ${id}`),
      ...found.tags
        .filter(({ id, user_id }) => !tags.has(id) || user_id !== person.id)
        .map(({ id }) => `task ${found.id} has the foreign tag ${id}`),
    ];
  };

  const look = (found: z.output<typeof task>): void => {
    for (const difference of differences(found)) wrong(difference);
  };

  const steps: Record<string, () => Promise<void>> = {
    create: async () => {
      if (tasks.size >= maxTasks) return steps["delete"]?.();
      const title = `${person.id} ${++count}`;
      attempted.add(title);
      const answer = await call("task.create", { title });
      if (answer === undefined) return;
      attempted.delete(title);
      tasks.set(task.parse(answer.data).id, { title, tags: new Set() });
    },
    patch: async () => {
      const [task_id, known] = settled() ?? [];
      if (known === undefined) return;
      const title = `${person.id} ${++count}`;
      const answer = await call("task.patch", { task_id, title });
      if (answer === undefined) known.attempt = { title };
      else known.title = title;
    },
    delete: async () => {
      const [task_id, known] = settled() ?? [];
      if (task_id === undefined || known === undefined || tasks.size < 10) return;
      if ((await call("task.delete", { task_id })) === undefined) known.attempt = { deleted: true };
      else if (tasks.delete(task_id)) gone.add(task_id);
    },
    get: async () => {
      const [task_id] = settled() ?? [];
      if (task_id === undefined) return;
      const answer = await call("task.get", { task_id });
      if (answer !== undefined) look(task.parse(answer.data));
    },
    foreign: async () => {
      const task_id = 1 + Math.floor(random() * Math.max(0, ...tasks.keys(), ...gone));
      if (tasks.has(task_id)) return;
      const answer = await call("task.get", { task_id }, "TASK_NOT_FOUND");
      if (answer !== undefined) look(task.parse(answer.data));
    },
    list: async () => {
      const answer = await call("task.list", { limit: 20, sort: "-created_at" });
      if (answer !== undefined) page.parse(answer.data).items.forEach(look);
    },
    tag: async () => {
      if (tags.size < 3) {
        const made = await call("tag.create", { name: `Tag ${++count}` });
        if (made !== undefined) tags.add(tag.parse(made.data).id);
        return;
      }
      const [[task_id, known] = [], tag_id] = [settled(), pick([...tags])];
      if (known === undefined || tag_id === undefined) return;
      const answer = await call("task.addTag", { task_id, tag_id });
      if (answer === undefined) known.attempt = { tag: tag_id };
      else known.tags.add(tag_id);
    },
    refresh: async () => {
      const answer = await call("auth.refresh");
      if (answer === undefined) return;
      person.token = token.parse(answer.data).access_token;
      person.cookie = refreshCookieOf(answer)?.value ?? person.cookie;
    },
    login: async () => {
      const { email, password } = person;
      const answer = await call("auth.login", { email, password });
      if (answer === undefined) return;
      person.token = token.parse(answer.data).access_token;
      person.cookie = refreshCookieOf(answer)?.value ?? person.cookie;
    },
    me: async () => {
      const answer = await call("auth.me");
      if (answer !== undefined && !answer.text.includes(person.id)) wrong("auth.me is another");
    },
  };
  /** Each step as often as it is named. */
  const mix = "create create create patch patch get get list foreign delete tag me refresh".split(
    " ",
  );
  let sinceLogin = 0;

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // Signing in hashes: often enough to be there, seldom enough not to be all there is.
      const name = ++sinceLogin % 50 === 0 ? "login" : (pick(mix) ?? "me");
      await steps[name]?.();
      await sleep(options.pause);
    }
  };
  const running = run().catch((error: unknown) => wrong(String(error)));

  /** All tasks, page by page. */
  const readAll = async (): Promise<z.output<typeof task>[]> => {
    const found: z.output<typeof task>[] = [];
    for (let number = 1; ; number++) {
      const answer = await call("task.list", { page: number, limit: 100, sort: "created_at" });
      if (answer === undefined) throw new Error("The tasks cannot be read back");
      const { items, pages } = page.parse(answer.data);
      found.push(...items);
      if (number >= pages) return found;
    }
  };

  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
    check: async () => {
      const found = await readAll();
      const ids = new Set(found.map(({ id }) => id));
      const lost = [...tasks].filter(([id, { attempt }]) => !ids.has(id) && !attempt?.deleted);
      return [...found.flatMap(differences), ...lost.map(([id]) => `task ${id} is lost`)];
    },
  };
};
