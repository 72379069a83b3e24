import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isRecord } from "../support/fuzz/fields.ts";
import { type SignedInUser, signedInUser } from "../support/client/signed-in-user.ts";
import { type Transport, transports } from "../support/client/transports.ts";
import { runSql } from "../support/external/sql-session.ts";
import { type Running, served, start } from "../support/process/executable.ts";
import { comparableMiB, peakMiB } from "../support/process/resource-usage.ts";
import { clonePostgres } from "../support/setup/database.ts";
import { secret } from "../support/setup/server.ts";

const maxMiB = 400;
const requests = 90;

let folder: string;
let drop: () => Promise<void>;
let server: Running & { url: string };
let attacker: SignedInUser;
let other: SignedInUser;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskwire-unread-"));
  const database = await clonePostgres();
  ({ drop } = database);
  const env = { PORT: "0", JWT_SECRET_KEY: secret, DATABASE_URL: database.url };
  server = await served(start("main", { folder, env }));
  attacker = await signedInUser(server);
  other = await signedInUser(server);
  // The maximum of a page (docs/limits.md): all texts at their bounds, of a character that JSON writes in six bytes.
  await runSql(
    database.url,
    `with new_tags as (
       insert into tags (name, color, user_id)
       select repeat(chr(1), 47) || lpad(i::text, 3, '0'), '#123456', '${attacker.id}' from generate_series(1, 100) i
       returning id),
     new_tasks as (
       insert into tasks (title, description, recurrence_rule, user_id)
       select repeat(chr(1), 200), repeat(chr(1), 1000), repeat('x', 1000), '${attacker.id}' from generate_series(1, 100)
       returning id)
     insert into task_tag_link select new_tasks.id, new_tags.id from new_tasks, new_tags`,
  );
});
afterAll(async () => {
  await server.kill("SIGKILL");
  await drop();
  await rm(folder, { recursive: true });
});

/** Pipelines requests for the maximum page, each with its number as its id, and reads nothing. */
const pipeline = async (transport: Transport): Promise<Socket> => {
  const { token } = attacker;
  const { path } = transport.request("task.list", { limit: 100 }, { token });
  const bytes = Array.from(
    { length: requests },
    (_, i) =>
      `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nX-Request-Id: ${i}\r\n\r\n`,
  );
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1").pause();
  await once(socket, "connect");
  socket.write(bytes.join(""));
  return socket;
};

interface Received {
  id: number;
  status: number;
  /** Bytes of the body. */
  size: number;
  isJson: boolean;
}

const headersEnd = "\r\n\r\n";

/** Reads so many responses with a Content-Length, in the order in which they arrive. */
const read = async (socket: Socket, count: number): Promise<Received[]> => {
  const responses: Received[] = [];
  let chunks: Buffer[] = [];
  let [length, needed] = [0, 1];
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer); // Safe: the socket has no encoding.
    length += chunks.at(-1)?.length ?? 0;
    while (length >= needed) {
      const bytes = Buffer.concat(chunks);
      const end = bytes.indexOf(headersEnd);
      const head = bytes.subarray(0, Math.max(end, 0)).toString();
      const numberIn = (row: RegExp): number => Number(row.exec(head)?.[1]);
      const size = numberIn(/^content-length: (\d+)$/im);
      const total = end + headersEnd.length + size;
      [chunks, needed] = [[bytes], end === -1 ? length + 1 : total];
      if (length < needed) break;
      const isJson = isRecord(JSON.parse(bytes.subarray(total - size, total).toString()));
      const [id, status] = [numberIn(/^x-request-id: (\d+)$/im), numberIn(/^HTTP\/1\.1 (\d+)/)];
      responses.push({ id, status, size, isJson });
      [chunks, length, needed] = [[bytes.subarray(total)], length - total, 1];
    }
    if (responses.length === count) break;
  }
  return responses;
};

test("two sockets that pipeline 90 maximum pages and never read: memory stays below 400 MiB, other clients are served, and a client that reads late gets all responses in order", async () => {
  const [rest, rpc] = await Promise.all(transports.map(pipeline));
  if (rest === undefined || rpc === undefined) throw new Error("Two transports are expected");
  for (let calls = 1; calls <= 20; calls++) {
    await other.newTask();
    expect(await other.page()).toMatchObject({ total: calls });
  }
  expect(comparableMiB(peakMiB(server.pid))).toBeLessThan(maxMiB);
  const responses = await read(rest, requests);
  const expected = Array.from({ length: requests }, (_, id) => ({ id, status: 200, isJson: true }));
  expect(responses).toHaveLength(requests);
  expect(responses).toMatchObject(expected);
  expect(Math.min(...responses.map(({ size }) => size))).toBeGreaterThan(4_500_000);
  rpc.destroy();
});
