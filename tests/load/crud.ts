// Response times of calls at a constant rate of 200 a second: node tests/load/crud.ts URL [SECONDS]
// Set a high RATE_LIMIT_REGISTER and RATE_LIMIT_LOGIN on the server.
import { setTimeout as sleep } from "node:timers/promises";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { printTimes, timed } from "./timing.ts";

const [url = "http://127.0.0.1:8000", seconds = "30"] = process.argv.slice(2);
const api = `${url}/api/v1`;
const [callsPerSecond, users] = [200, 20];

interface User {
  headers: Record<string, string>;
  tasks: number[];
}

const newUser = async (): Promise<User> => {
  const { token } = await signedInUser({ url });
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  return { headers, tasks: [] };
};

const createTask = async ({ headers, tasks }: User): Promise<Response> => {
  const body = JSON.stringify({ title: "A task" });
  const response = await fetch(`${api}/tasks`, { method: "POST", headers, body });
  // Safe: an error has no id, and `call` creates another task where the id is undefined.
  const { id } = (await response.clone().json()) as { id: number };
  tasks.push(id);
  return response;
};

/** Sends one call of a user: a third of the calls creates, a third reads, a third changes or deletes. */
const call = (user: User, turn: number): Promise<Response> => {
  const { headers, tasks } = user;
  const id = tasks[turn % Math.max(1, tasks.length)];
  if (id === undefined || turn % 6 < 2) return createTask(user);
  if (turn % 6 === 2) return fetch(`${api}/tasks?sort=-priority&limit=20`, { headers });
  if (turn % 6 === 3) return fetch(`${api}/tasks/${id}`, { headers });
  if (turn % 6 === 4) {
    const body = JSON.stringify({ completed: turn % 4 === 0 });
    return fetch(`${api}/tasks/${id}`, { method: "PATCH", headers, body });
  }
  tasks.splice(tasks.indexOf(id), 1);
  return fetch(`${api}/tasks/${id}`, { method: "DELETE", headers });
};

const allUsers = await Promise.all(Array.from({ length: users }, newUser));
const timesByStatus = new Map<number, number[]>();
const measure = async (user: User, turn: number): Promise<void> => {
  const { status, ms } = await timed(() => call(user, turn));
  timesByStatus.set(status, [...(timesByStatus.get(status) ?? []), ms]);
};

const pending: Promise<void>[] = [];
const begin = performance.now();
for (let turn = 0; turn < callsPerSecond * Number(seconds); turn++) {
  // At fixed times, without waiting for responses: a slow server receives the same load.
  await sleep(Math.max(0, begin + (turn * 1000) / callsPerSecond - performance.now()));
  const user = allUsers[Math.floor(Math.random() * users)];
  if (user === undefined) continue;
  pending.push(measure(user, turn));
}
await Promise.all(pending);
for (const [status, times] of timesByStatus) printTimes(`calls with status ${status}`, times);
