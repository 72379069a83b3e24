// Calls a second of `auth.me` over both transports: node tests/load/me.ts URL [SECONDS]
// Set RATE_LIMIT_CALLS_PER_USER=0 and RATE_LIMIT_CALLS_PER_ADDRESS=0 on the server, and send its log to a file.
import { Agent, request } from "node:http";
import { signedInUser } from "../support/client/signed-in-user.ts";

const [url = "http://127.0.0.1:8000", seconds = "5"] = process.argv.slice(2);
const connections = 10;
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const { token } = await signedInUser({ url });
const headers = { authorization: `Bearer ${token}` };

const call = (path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const outgoing = request(url + path, { agent, headers }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`Status ${response.statusCode}`));
      response.resume().once("end", resolve);
    });
    outgoing.once("error", reject).end();
  });

for (const path of ["/api/v1/auth/me", "/trpc/auth.me"]) {
  const begin = performance.now();
  const isOver = () => performance.now() - begin > Number(seconds) * 1000;
  let calls = 0;
  const client = async () => {
    for (; !isOver(); calls++) await call(path);
  };
  await Promise.all(Array.from({ length: connections }, client));
  console.log(
    `${path}: ${((calls * 1000) / (performance.now() - begin)).toFixed(0)} calls a second`,
  );
}
agent.destroy();
