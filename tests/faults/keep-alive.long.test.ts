import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { clonePostgres } from "../support/setup/database.ts";
import { serve, temporaryFolder } from "../support/process/test-process.ts";
import { secret } from "../support/setup/server.ts";

let settings: Record<string, string>;
beforeAll(async () => {
  const { url, drop } = await clonePostgres();
  settings = { JWT_SECRET_KEY: secret, DATABASE_URL: url };
  return drop;
});

const startProcess = async (env: Record<string, string> = {}): Promise<string> => {
  const { url } = await serve(await temporaryFolder(), { ...settings, ...env });
  return url;
};

const open = (url: string): Socket => {
  const socket = connect(Number(new URL(url).port), "127.0.0.1").setEncoding("utf8");
  onTestFinished(() => void socket.destroy());
  return socket;
};

/** Sends a request over a raw socket. Returns the first line of the response, which is one packet. */
const ask = async (socket: Socket): Promise<string> => {
  socket.write("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const [text] = await Promise.race([once(socket, "data"), once(socket, "close")]);
  return String(text).split("\r\n", 1).join();
};

test("80 sockets that were idle for longer than 5 s are reused without a reset", async () => {
  const [url, short] = [await startProcess(), await startProcess({ KEEP_ALIVE_TIMEOUT: "5" })];
  const agent = new Agent({ keepAlive: true, maxSockets: 80 });
  onTestFinished(() => agent.destroy());
  const send = () =>
    new Promise<{ status: number | undefined; reused: boolean }>((resolve, reject) => {
      const outgoing = request(`${url}/health/live`, { agent }, (response) => {
        const result = { status: response.statusCode, reused: outgoing.reusedSocket };
        response.resume().once("end", () => resolve(result));
      });
      outgoing.on("error", reject).end();
    });
  const all80 = (result: object) => Array.from({ length: 80 }, () => result);
  const sendAll = () => Promise.all(Array.from({ length: 80 }, send));
  expect(await sendAll()).toEqual(all80({ status: 200, reused: false }));
  // Becomes idle after all 80, and closes after 5 s.
  const control = open(short);
  expect(await ask(control)).toBe("HTTP/1.1 200 OK");
  await once(control, "close");
  expect(await sendAll()).toEqual(all80({ status: 200, reused: true }));
});

test("of 1,050 idle sockets, the 50 that have been idle for the longest time are closed, and all others work", async () => {
  const url = await startProcess();
  const sockets: Socket[] = [];
  const closed: Socket[] = [];
  for (let opened = 1; opened <= 1050; opened++) {
    const socket = open(url);
    socket.once("close", () => closed.push(socket));
    expect(await ask(socket)).toBe("HTTP/1.1 200 OK");
    sockets.push(socket);
  }
  await expect.poll(() => closed.length).toBe(50);
  expect(new Set(closed)).toEqual(new Set(sockets.slice(0, 50)));
  for (const socket of sockets.slice(50)) expect(await ask(socket)).toBe("HTTP/1.1 200 OK");
  expect(closed).toHaveLength(50);
});
