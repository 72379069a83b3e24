// How other requests fare while 500 sign in at once, ten times over: node tests/load/login-flood.ts URL [PID]
// Each sign-in comes from an address of its own, which the server believes with TRUST_PROXY=127.0.0.1.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { show, timed } from "./timing.ts";

const [url = "http://127.0.0.1:8000", pid] = process.argv.slice(2);
const api = `${url}/api/v1`;
const [floods, signInsAtOnce, readsPerSecond] = [10, 500, 50];

const anyAddress = (): string =>
  `10.${[0, 0, 0].map(() => Math.floor(Math.random() * 256)).join(".")}`;

const signIn = (username: string, password: string): Promise<Response> =>
  fetch(`${api}/auth/login`, {
    method: "POST",
    headers: { "x-forwarded-for": anyAddress() },
    body: new URLSearchParams({ username, password }),
  });

/** Lists tasks until it is told to stop, in a thread of its own: the flood must not delay its clock. */
const read = async (authorization: string, stop: Promise<unknown>): Promise<void> => {
  const answers = new Map<number, number[]>();
  const list = async (): Promise<void> => {
    const { status, ms } = await timed(() => fetch(`${api}/tasks`, { headers: { authorization } }));
    answers.set(status, [...(answers.get(status) ?? []), ms]);
  };
  const timer = setInterval(() => void list(), 1000 / readsPerSecond);
  await stop;
  clearInterval(timer);
  for (const [status, times] of answers) show(`other requests answered ${status}`, times);
};

const flood = async (): Promise<void> => {
  const answers = new Map<number, number[]>();
  for (let round = 0; round < floods; round++) {
    const signIns = Array.from({ length: signInsAtOnce }, async () => {
      const { status, ms } = await timed(() => signIn(`${randomUUID()}@example.com`, "wrong one"));
      answers.set(status, [...(answers.get(status) ?? []), ms]);
    });
    await Promise.all(signIns);
  }
  for (const [status, times] of answers) show(`sign-ins answered ${status}`, times);
  if (pid !== undefined) {
    const [, peak] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    console.log(`Peak memory of the server: ${Math.round(Number(peak) / 1024)} MiB`);
  }
};

if (parentPort !== null) {
  await read(String(workerData), once(parentPort, "message"));
} else {
  const account = { email: `${randomUUID()}@example.com`, password: randomUUID() };
  await fetch(`${api}/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-forwarded-for": anyAddress() },
    body: JSON.stringify(account),
  });
  const login = await signIn(account.email, account.password);
  const { access_token } = (await login.json()) as { access_token: string };
  const reader = new Worker(new URL(import.meta.url), {
    argv: [url],
    workerData: `Bearer ${access_token}`,
  });
  await once(reader, "online");
  await flood();
  reader.postMessage("stop", []);
}
