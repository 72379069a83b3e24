// A hundred concurrent refreshes of each of 50 sessions, spread over servers: node tests/load/refresh-storm.ts URL URL…
// The servers share a database and JWT_SECRET_KEY. Set high RATE_LIMIT_REGISTER, RATE_LIMIT_LOGIN and RATE_LIMIT_REFRESH.
import { signedInUser } from "../support/client/signed-in-user.ts";

const [first = "http://127.0.0.1:8000", ...others] = process.argv.slice(2);
const urls = [first, ...others];
const [sessions, refreshesAtOnce] = [50, 100];

const cookieOf = (response: Response): string | undefined =>
  /refresh_token=([^;]+)/.exec(response.headers.getSetCookie().join())?.[1];

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
  const { cookie } = await signedInUser({ url: first });
  const responses = await Promise.all(
    Array.from({ length: refreshesAtOnce }, (_, turn) => refresh(cookie, turn)),
  );
  for (const { status } of responses) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const successors = new Set(responses.map(({ successor }) => successor));
  if (successors.size !== 1 || generationOf([...successors][0]) !== 1) broken++;
}
console.log(`Refreshes by status: ${JSON.stringify(Object.fromEntries(statuses))}`);
console.log(`Sessions without exactly one successor of generation 1: ${broken} of ${sessions}`);
