import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clonePostgres } from "../support/setup/database.ts";
import { type Running, served, start } from "../support/process/executable.ts";
import { acceptedClientPorts, residentMiB } from "../support/process/resource-usage.ts";
import { type SignedInUser, signedInUser } from "../support/client/signed-in-user.ts";
import { skipsWithoutLinux } from "../support/setup/requirements.ts";
import { secret } from "../support/setup/server.ts";

let folder: string;
let drop: () => Promise<void>;
let server: Running & { url: string };
let user: SignedInUser;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskwire-exhaustion-"));
  const database = await clonePostgres();
  ({ drop } = database);
  const env = {
    PORT: "0",
    JWT_SECRET_KEY: secret,
    DATABASE_URL: database.url,
    RATE_LIMIT_REGISTER: "1000000",
  };
  server = await served(start("main", { folder, env }));
  user = await signedInUser(server);
});
afterAll(async () => {
  await server.kill("SIGKILL");
  await drop();
  await rm(folder, { recursive: true });
});

const open = (): Socket => {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  // The server is expected to close these sockets.
  socket.on("error", () => {});
  return socket;
};

const post = (path: string, type: string, length: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\n${length}\r\n\r\n`;
const json = (length: string): string => post("/api/v1/auth/register", "application/json", length);

/** Writes the text once a second until the socket closes. */
const trickle = (socket: Socket, text: string): void => {
  const timer = setInterval(() => socket.write(text), 1000);
  socket.once("close", () => clearInterval(timer));
};

/** Writes the text `times` times, as fast as the socket accepts it. */
const pour = (socket: Socket, text: string, times: number): void => {
  const send = (): void => {
    while (times-- > 0 && !socket.destroyed) {
      if (!socket.write(text)) {
        socket.once("drain", send);
        return;
      }
    }
  };
  send();
};

/** Sends requests and never reads the responses. */
const sendWithoutReading = (path: string) => (socket: Socket) => {
  socket.pause();
  // A socket that never reads notices only by writing that the server has closed it.
  trickle(socket, "GET");
  pour(socket, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(500), 100);
};

const attacks: readonly [name: string, sockets: number, attack: (socket: Socket) => void][] = [
  ["idle sockets", 2000, () => {}],
  [
    "slow headers",
    1000,
    (socket) => {
      socket.write("GET / HTTP/1.1\r\n");
      trickle(socket, "X: a\r\n");
    },
  ],
  [
    "slow bodies",
    500,
    (socket) => {
      socket.write(json("Content-Length: 100"));
      trickle(socket, "x");
    },
  ],
  [
    "bodies that stop in the middle",
    100,
    (socket) => {
      socket.write(post("/trpc/auth.register", "application/json", "Transfer-Encoding: chunked"));
      socket.write("5\r\nabcde\r\n");
    },
  ],
  ["unread small responses", 20, sendWithoutReading("/api/v1/tasks")],
  ["unread large responses", 20, sendWithoutReading("/openapi.json")],
  [
    "20 MB of JSON",
    5,
    (socket) => {
      socket.write(json("Content-Length: 20000000"));
      pour(socket, "x".repeat(50_000), 400);
    },
  ],
  [
    "20 MB of JSON in chunks",
    5,
    (socket) => {
      socket.write(json("Transfer-Encoding: chunked"));
      pour(socket, `c350\r\n${"x".repeat(50_000)}\r\n`, 400);
    },
  ],
  [
    "20 MB of a form to tRPC",
    5,
    (socket) => {
      const type = "multipart/form-data; boundary=x";
      socket.write(post("/trpc/auth.register", type, "Content-Length: 20000000"));
      pour(socket, "x".repeat(50_000), 400);
    },
  ],
];

/** Limits in milliseconds. The server's own are 10 s and 3 s; the rest is for a busy machine. */
const maxMs = { socket: 20_000, response: 8000 };
const maxMiB = 512;

/** Lists tasks over a new connection. Returns the milliseconds until the end of the response. */
const ordinaryRequest = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const began = performance.now();
    const headers = { authorization: `Bearer ${user.token}` };
    const signal = AbortSignal.timeout(20_000);
    request(`${server.url}/api/v1/tasks`, { agent: false, headers, signal }, (response) => {
      response.resume().once("end", () => {
        if (response.statusCode === 200) resolve(performance.now() - began);
        else reject(new Error(`An ordinary request failed with status ${response.statusCode}`));
      });
    })
      .on("error", reject)
      .end();
  });

test.skipIf(skipsWithoutLinux)(
  "under all attacks at once, ordinary requests succeed, memory stays below 512 MiB, and attacking sockets are closed",
  async () => {
    const attacksEnded = new AbortController();
    const serverPort = Number(new URL(server.url).port);
    const lifetimes = attacks.map(async ([name, count, attack]) => {
      const sockets = Array.from({ length: count }, async (_, index) => {
        // Spread over time: the system's queue of new connections is short.
        await sleep(2 * index);
        const socket = open();
        const { promise: closed, resolve } = Promise.withResolvers<void>();
        socket.once("close", () => resolve());
        // A connection that the system's queue drops retries for a minute: it never reached the server, so it does not count.
        const connected = once(socket, "connect").then(() => true);
        if (!(await Promise.race([connected, sleep(10_000, false)]))) {
          socket.destroy();
          return undefined;
        }
        const began = performance.now();
        socket.on("data", () => {});
        attack(socket);
        // The time limit lets the assertion below name the attack, before the test itself times out.
        const isClosed = await Promise.race([closed.then(() => true), sleep(30_000, false)]);
        // With a full queue the system may confirm a connection that it then drops: the server has no socket to close.
        const port = socket.localPort;
        const isHeld = port === undefined || acceptedClientPorts(serverPort).has(port);
        return isClosed || isHeld ? performance.now() - began : undefined;
      });
      const accepted = (await Promise.all(sockets)).filter((ms) => ms !== undefined);
      expect([name, accepted.length >= count / 4]).toEqual([name, true]);
      return [name, Math.max(...accepted)] as const;
    });
    const all = Promise.all(lifetimes).finally(() => attacksEnded.abort());
    const times: number[] = [];
    const memory: number[] = [];
    while (!attacksEnded.signal.aborted) {
      times.push(await ordinaryRequest());
      memory.push(residentMiB(server.pid));
      await sleep(50);
    }
    const figures = await all;
    expect(figures.filter(([, ms]) => ms > maxMs.socket)).toEqual([]);
    expect(Math.max(...times)).toBeLessThan(maxMs.response);
    expect(Math.max(...memory)).toBeLessThan(maxMiB);
  },
);

/** Sends bytes over a new connection. Returns the status of the response. */
const statusOf = async (bytes: string): Promise<number> => {
  const socket = open();
  let response = "";
  socket.on("data", (chunk: Buffer) => (response += chunk.toString()));
  socket.write(bytes);
  await new Promise((resolve) => socket.once("data", resolve).once("close", resolve));
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(response)?.[1]);
};

const body = (text: string): string => json(`Content-Length: ${text.length}`) + text;
const get = (query: string, headers = ""): string =>
  `GET /api/v1/tasks${query} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${user.token}\r\n${headers}\r\n`;

test.for<[string, () => string, number]>([
  ["30,000 nested lists", () => body("[".repeat(30_000) + "]".repeat(30_000)), 422],
  ["9,000 nested objects", () => body('{"a":'.repeat(9000) + "1" + "}".repeat(9000)), 422],
  ["60,000 unclosed brackets", () => body("[".repeat(60_000)), 422],
  ["9,000 keys", () => body(`{${'"a":1,'.repeat(9000)}"b":1}`), 422],
  ["headers of 20 kB", () => get("", `X: ${"x".repeat(20_000)}\r\n`), 431],
  ["5,000 query parameters", () => get(`?${"a&".repeat(5000)}`), 200],
  ["one query parameter repeated 5,000 times", () => get(`?${"q&".repeat(5000)}`), 422],
  ["a query of 20 kB", () => get(`?q=${"x".repeat(20_000)}`), 431],
])("%s get a response in time, and do not delay the next request", async ([, bytes, status]) => {
  const began = performance.now();
  expect(await statusOf(bytes())).toBe(status);
  expect(performance.now() - began).toBeLessThan(maxMs.response);
  await ordinaryRequest();
});
