// How long calls take at 200 a second, whatever becomes of them: node tests/load/crud.ts URL [SECONDS]
// The server has RATE_LIMIT_REGISTER and RATE_LIMIT_LOGIN out of the way.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { show, timed } from "./timing.ts";

const [url = "http://127.0.0.1:8000", seconds = "30"] = process.argv.slice(2);
const api = `${url}/api/v1`;
const [callsPerSecond, users] = [200, 20];

interface User {
  headers: Record<string, string>;
  tasks: number[];
}

const signUp = async (): Promise<User> => {
  const [username, password] = [`${randomUUID()}@example.com`, "correct horse battery"];
  const json = { "content-type": "application/json" };
  const body = JSON.stringify({ email: username, password });
  await fetch(`${api}/auth/register`, { method: "POST", headers: json, body });
  const form = new URLSearchParams({ username, password });
  const answer = await fetch(`${api}/auth/login`, { method: "POST", body: form });
  const { access_token } = (await answer.json()) as { access_token: string };
  return { headers: { ...json, authorization: `Bearer ${access_token}` }, tasks: [] };
};

const made = async ({ headers, tasks }: User): Promise<Response> => {
  const body = JSON.stringify({ title: "A task" });
  const answer = await fetch(`${api}/tasks`, { method: "POST", headers, body });
  const { id } = (await answer.clone().json()) as { id: number };
  tasks.push(id);
  return answer;
};

/** One call of a user's; a third each makes, reads and changes. */
const call = (user: User, turn: number): Promise<Response> => {
  const { headers, tasks } = user;
  const id = tasks[turn % Math.max(1, tasks.length)];
  if (id === undefined || turn % 6 < 2) return made(user);
  if (turn % 6 === 2) return fetch(`${api}/tasks?sort=-priority&limit=20`, { headers });
  if (turn % 6 === 3) return fetch(`${api}/tasks/${id}`, { headers });
  if (turn % 6 === 4) {
    const body = JSON.stringify({ completed: turn % 4 === 0 });
    return fetch(`${api}/tasks/${id}`, { method: "PATCH", headers, body });
  }
  tasks.splice(tasks.indexOf(id), 1);
  return fetch(`${api}/tasks/${id}`, { method: "DELETE", headers });
};

const everybody = await Promise.all(Array.from({ length: users }, signUp));
const answers = new Map<number, number[]>();
const note = async (user: User, turn: number): Promise<void> => {
  const { status, ms } = await timed(() => call(user, turn));
  answers.set(status, [...(answers.get(status) ?? []), ms]);
};

const pending: Promise<void>[] = [];
const begin = performance.now();
for (let turn = 0; turn < callsPerSecond * Number(seconds); turn++) {
  // By the clock, however late the last one is: a slow server is not to be asked less.
  await sleep(Math.max(0, begin + (turn * 1000) / callsPerSecond - performance.now()));
  const user = everybody[Math.floor(Math.random() * users)];
  if (user === undefined) continue;
  pending.push(note(user, turn));
}
await Promise.all(pending);
for (const [status, times] of answers) show(`calls answered ${status}`, times);
