import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { send } from "../support/client/http.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { openSession } from "../support/external/sql-session.ts";
import { startRedis } from "../support/external/redis.ts";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { serve, temporaryFolder } from "../support/process/test-process.ts";
import { clonePostgres } from "../support/setup/database.ts";
import { skipsWithout } from "../support/setup/requirements.ts";
import { secret } from "../support/setup/server.ts";

const open = async (url: string): Promise<Socket> => {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  // The server is expected to close it.
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
};

/** Forwards connections to a port on this machine. Returns its own port, and the number of open connections. */
const countConnections = async (target: number, onClose = () => {}) => {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    sockets.add(client);
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) socket.on("error", () => {});
    client.once("end", () => {
      sockets.delete(client);
      onClose();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port");
  return { port: address.port, count: () => sockets.size };
};

const canConnect = (url: string): Promise<boolean> =>
  fetch(`${url}/health/live`).then(
    () => true,
    () => false,
  );

test.skipIf(skipsWithout("redis-server"))(
  "on SIGTERM, the server closes sockets without a request, completes a running call, closes Redis before the database, and exits with 0",
  async () => {
    const [database, redis] = [await clonePostgres(), await startRedis()];
    onTestFinished(database.drop);
    onTestFinished(redis.stop);
    const toDatabase = await countConnections(Number(new URL(database.url).port));
    let openAtRedisClose: number | undefined;
    const toRedis = await countConnections(redis.port, () => {
      openAtRedisClose = toDatabase.count();
    });
    const server = await serve(await temporaryFolder(), {
      JWT_SECRET_KEY: secret,
      DATABASE_URL: Object.assign(new URL(database.url), { port: String(toDatabase.port) }).href,
      REDIS_URL: `redis://127.0.0.1:${toRedis.port}`,
    });
    const user = await signedInUser(server);
    const { id } = await user.newTask();
    const session = await openSession(database.url);
    onTestFinished(() => session.end());
    const [silent, idle] = [await open(server.url), await open(server.url)];
    idle.write("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await once(idle, "data");
    const closed = Promise.all([once(silent, "close"), once(idle, "close")]);

    await session.query(`begin; select from tasks where id = ${id} for update`);
    const change = user.call("task.patch", { task_id: id, title: "Changed" });
    const waiting = "select from pg_locks where not granted";
    await expect.poll(async () => (await session.query(waiting)).rows.length).toBe(1);
    const exited = server.kill("SIGTERM");
    await closed;
    await expect.poll(() => canConnect(server.url)).toBe(false);
    await session.query("rollback");
    const response = await change;
    expect(response).toMatchObject({ status: 200, data: { title: "Changed" } });
    expect(response.headers.get("connection")).toBe("close");
    expect(await exited).toEqual({ code: 0, signal: null });
    expect(openAtRedisClose).toBeGreaterThan(0);
    expect([toRedis.count(), toDatabase.count()]).toEqual([0, 0]);
    const { rows } = await session.query(`select title from tasks where id = ${id}`);
    expect(rows).toEqual([{ title: "Changed" }]);
  },
);

test("in production, the server drains on SIGTERM while it serves all calls, and a second signal ends it at once", async () => {
  const database = await clonePostgres();
  onTestFinished(database.drop);
  const server = await serve(await temporaryFolder(), {
    NODE_ENV: "production",
    JWT_SECRET_KEY: `${"0f".repeat(31)}a9`,
    DATABASE_URL: database.url,
  });
  const user = await signedInUser(server);
  void server.kill("SIGTERM");
  await server.until(/"Stopping"/);
  const get = (path: string) => send(server.url, { method: "GET", path });
  const ready = await get("/health/ready");
  expect(ready.status).toBe(503);
  expect(JSON.parse(ready.text)).toEqual({ status: "draining", checks: { draining: true } });
  expect(await get("/health/live")).toMatchObject({ status: 200 });
  const created = await user.call("task.create", { title: "While draining" });
  expect(created.status).toBe(201);
  expect(created.headers.get("connection")).toBe("close");
  expect(await server.kill("SIGTERM")).toEqual({ code: 1, signal: null });
  expect(server.stdout).toMatch(/"drain_delay":5,.*"Stopping"/);
  expect(server.stdout).not.toContain('"Stopped"');
});

test("a request that does not end is cut off when the server stops, and the database is closed", async () => {
  const folder = await temporaryFolder();
  await unpackDatabase(folder);
  const server = await serve(folder);
  const slow = await open(server.url);
  const head = "POST /api/v1/auth/register HTTP/1.1\r\nHost: localhost\r\n";
  slow.write(`${head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n`);
  const timer = setInterval(() => slow.write("x"), 500);
  onTestFinished(() => clearInterval(timer));
  // Its response comes after the server has read the start of the other request.
  expect(await canConnect(server.url)).toBe(true);
  expect(await server.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  expect(server.stdout).toMatch(
    /"warn".*"Stopping: closed connections whose requests took too long"/,
  );
  expect(server.stdout).toContain('"Stopped"');
});
