// Response times of other requests during ten floods of 500 sign-ins: node tests/load/login-flood.ts URL [PID]
// Each sign-in has an address of its own: set TRUST_PROXY=127.0.0.1 on the server.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { printTimes, timed } from "./timing.ts";

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

/** Lists tasks at a fixed rate until `stop` resolves. Runs in its own thread, so that the flood does not delay its timer. */
const read = async (authorization: string, stop: Promise<unknown>): Promise<void> => {
  const timesByStatus = new Map<number, number[]>();
  const list = async (): Promise<void> => {
    const { status, ms } = await timed(() => fetch(`${api}/tasks`, { headers: { authorization } }));
    timesByStatus.set(status, [...(timesByStatus.get(status) ?? []), ms]);
  };
  const timer = setInterval(() => void list(), 1000 / readsPerSecond);
  await stop;
  clearInterval(timer);
  for (const [status, times] of timesByStatus)
    printTimes(`other requests with status ${status}`, times);
};

const flood = async (): Promise<void> => {
  const timesByStatus = new Map<number, number[]>();
  for (let round = 0; round < floods; round++) {
    const signIns = Array.from({ length: signInsAtOnce }, async () => {
      const { status, ms } = await timed(() => signIn(`${randomUUID()}@example.com`, "wrong one"));
      timesByStatus.set(status, [...(timesByStatus.get(status) ?? []), ms]);
    });
    await Promise.all(signIns);
  }
  for (const [status, times] of timesByStatus) printTimes(`sign-ins with status ${status}`, times);
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
