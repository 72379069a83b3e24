// How other users fare while one user searches 3,000 tasks of the maximum length, 20 times at once, with the text that
// costs the most: node tests/load/searches.ts URL [SECONDS]
import { setTimeout as sleep } from "node:timers/promises";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { printTimes, timed } from "./timing.ts";

const [url = "http://127.0.0.1:8000", seconds = "10"] = process.argv.slice(2);
const api = `${url}/api/v1`;
const [taskCount, searchesAtOnce] = [3000, 20];
/** Milliseconds between two calls of the other user. */
const pause = 20;

const headersOf = async (): Promise<Record<string, string>> => {
  const { token } = await signedInUser({ url });
  return { "content-type": "application/json", authorization: `Bearer ${token}` };
};

const [searcher, other] = [await headersOf(), await headersOf()];
const body = JSON.stringify({ title: "a".repeat(200), description: "a".repeat(1000) });
const create = (headers: Record<string, string>) =>
  timed(() => fetch(`${api}/tasks`, { method: "POST", headers, body }));
for (let stored = 0; stored < taskCount; stored++) await create(searcher);
for (let stored = 0; stored < 20; stored++) await create(other);

const over = new AbortController();
const searches: number[] = [];
const search = async (): Promise<void> => {
  while (!over.signal.aborted) {
    const q = `b${"a".repeat(99)}`;
    const { ms } = await timed(() => fetch(`${api}/tasks?q=${q}`, { headers: searcher }));
    searches.push(ms);
  }
};
const repeat = async (request: () => Promise<Response>): Promise<number[]> => {
  const times: number[] = [];
  while (!over.signal.aborted) {
    times.push((await timed(request)).ms);
    await sleep(pause);
  }
  return times;
};

const searching = Promise.all(Array.from({ length: searchesAtOnce }, search));
const health = repeat(() => fetch(`${url}/health`));
const lists = repeat(() => fetch(`${api}/tasks`, { headers: other }));
await sleep(Number(seconds) * 1000);
over.abort();
printTimes("responses of /health", await health);
printTimes("lists of another user", await lists);
await searching;
printTimes("searches", searches);
