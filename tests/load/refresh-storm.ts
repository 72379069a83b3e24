// A hundred refreshes at once of each of 50 sessions, shared out among servers: node tests/load/refresh-storm.ts URL URL…
// The servers have one database and one JWT_SECRET_KEY, and RATE_LIMIT_REGISTER, _LOGIN and _REFRESH out of the way.
import { randomUUID } from "node:crypto";

const [first = "http://127.0.0.1:8000", ...others] = process.argv.slice(2);
const urls = [first, ...others];
const [sessions, refreshesAtOnce] = [50, 100];

const cookieOf = (response: Response): string | undefined =>
  /refresh_token=([^;]+)/.exec(response.headers.getSetCookie().join())?.[1];

const signIn = async (): Promise<string> => {
  const [username, password] = [`${randomUUID()}@example.com`, "correct horse battery"];
  await fetch(`${first}/api/v1/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: username, password }),
  });
  const body = new URLSearchParams({ username, password });
  const cookie = cookieOf(await fetch(`${first}/api/v1/auth/login`, { method: "POST", body }));
  if (cookie === undefined) throw new Error("Not signed in: are the limits out of the way?");
  return cookie;
};

const refresh = async (cookie: string, turn: number) => {
  const response = await fetch(`${urls[turn % urls.length]}/api/v1/auth/refresh`, {
    method: "POST",
    headers: { cookie: `refresh_token=${cookie}` },
  });
  await response.arrayBuffer();
  return { status: response.status, successor: cookieOf(response) };
};

const generationOf = (token = ".e30"): unknown =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).gen;

const statuses = new Map<number, number>();
let broken = 0;
for (let session = 0; session < sessions; session++) {
  const cookie = await signIn();
  const answers = await Promise.all(
    Array.from({ length: refreshesAtOnce }, (_, turn) => refresh(cookie, turn)),
  );
  for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const successors = new Set(answers.map(({ successor }) => successor));
  if (successors.size !== 1 || generationOf([...successors][0]) !== 1) broken++;
}
console.log(`Refreshes by status: ${JSON.stringify(Object.fromEntries(statuses))}`);
console.log(`Sessions without exactly one successor, one generation on: ${broken} of ${sessions}`);
