import { type BenchUser, password, type Size } from "./data.ts";
import type { TargetName } from "./targets.ts";

/** One request. */
interface BenchRequest {
  method: "GET" | "POST" | "PATCH";
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface Operation {
  name: string;
  /** The first is compared with the second. */
  targets: readonly [TargetName] | readonly [TargetName, TargetName];
  /** The ratio to reach: throughput of the first target divided by that of the second. */
  goal?: number;
  /** Sent by the user with many tasks; "first": to the first target only, and by the others to the second. */
  large?: boolean | "first";
  /** Returns the request of a user; successive turns ask for different rows. */
  request: (user: BenchUser, turn: number) => BenchRequest;
}

const withBody = (
  method: "POST" | "PATCH",
  path: string,
  body: unknown,
  contentType = "application/json",
): BenchRequest => ({
  method,
  path,
  headers: { "content-type": contentType },
  body: typeof body === "string" ? body : JSON.stringify(body),
});

const api = "/api/v1";
const byHand = ["taskwire", "baseline"] as const;
const stockAdapter = ["taskwire", "stock"] as const;

const get =
  (path: string): Operation["request"] =>
  () => ({ method: "GET", path });

const create: Operation["request"] = (_user, turn) =>
  withBody("POST", `${api}/tasks`, {
    title: `Bench ${turn}`,
    description: "Created by a benchmark",
  });

const trpcInput = (input: unknown): string => encodeURIComponent(JSON.stringify(input));

const fiveInputs = trpcInput({ 2: { limit: 5 } });

/** Everything that is measured. */
export const operationsFor = ({ tasksPerUser }: Size): Operation[] => {
  const lastPage = Math.max(1, Math.floor(tasksPerUser / 20) - 10);
  return [
    { name: "REST me", targets: byHand, goal: 0.8, request: get(`${api}/auth/me`) },
    {
      name: "REST one task",
      targets: byHand,
      goal: 0.8,
      request: ({ firstTask }, turn) => ({
        method: "GET",
        path: `${api}/tasks/${firstTask + (turn % tasksPerUser)}`,
      }),
    },
    { name: "REST list of 20, page 1", targets: byHand, goal: 0.9, request: get(`${api}/tasks`) },
    {
      name: `REST list of 20, page ${lastPage}`,
      targets: byHand,
      goal: 1,
      request: get(`${api}/tasks?page=${lastPage}`),
    },
    {
      name: "REST list, completed",
      targets: byHand,
      goal: 0.9,
      request: get(`${api}/tasks?status=completed`),
    },
    { name: "REST search", targets: byHand, request: get(`${api}/tasks?q=task%2099`) },
    { name: "REST create", targets: byHand, goal: 0.8, request: create },
    {
      name: "REST patch",
      targets: byHand,
      request: ({ firstTask }, turn) =>
        withBody("PATCH", `${api}/tasks/${firstTask + (turn % tasksPerUser)}`, {
          completed: turn % 2 === 0,
        }),
    },
    {
      name: "REST tag a task",
      targets: byHand,
      request: ({ firstTask, firstTag }, turn) => ({
        method: "POST",
        path: `${api}/tasks/${firstTask + (turn % tasksPerUser)}/tags/${firstTag + (turn % 20)}`,
      }),
    },
    {
      name: "REST sign-in",
      targets: byHand,
      request: ({ email }) => {
        const form = new URLSearchParams({ username: email, password });
        return withBody(
          "POST",
          `${api}/auth/login`,
          form.toString(),
          "application/x-www-form-urlencoded",
        );
      },
    },
    {
      name: "REST list of 20, large user",
      targets: byHand,
      large: true,
      request: get(`${api}/tasks`),
    },
    {
      name: "REST list of 20, large user beside a small one",
      targets: ["taskwire", "taskwire"],
      goal: 0.67,
      large: "first",
      request: get(`${api}/tasks`),
    },
    {
      name: "REST list, completed, large user beside a small one",
      targets: ["taskwire", "taskwire"],
      goal: 0.67,
      large: "first",
      request: get(`${api}/tasks?status=completed`),
    },
    { name: "tRPC me", targets: stockAdapter, goal: 3, request: get("/trpc/auth.me") },
    {
      name: "tRPC me, batch of one",
      targets: stockAdapter,
      goal: 3,
      request: get(`/trpc/auth.me?batch=1&input=${trpcInput({})}`),
    },
    {
      name: "tRPC batch of five",
      targets: stockAdapter,
      request: get(`/trpc/auth.me,tag.list,task.list,auth.me,auth.me?batch=1&input=${fiveInputs}`),
    },
    {
      name: "tRPC list of 20",
      targets: stockAdapter,
      request: get(`/trpc/task.list?input=${trpcInput({})}`),
    },
    {
      name: "tRPC create",
      targets: stockAdapter,
      request: (_user, turn) => withBody("POST", "/trpc/task.create", { title: `Bench ${turn}` }),
    },
    { name: "Embedded: REST me", targets: ["embedded"], request: get(`${api}/auth/me`) },
    { name: "Embedded: REST list of 20", targets: ["embedded"], request: get(`${api}/tasks`) },
    { name: "Embedded: REST create", targets: ["embedded"], request: create },
  ];
};
