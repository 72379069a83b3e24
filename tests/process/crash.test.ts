import { randomUUID } from "node:crypto";
import { mkdir, watch, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openEmbedded } from "@taskwire/server/db/embedded.ts";
import { expect, onTestFinished, test } from "vitest";
import { unpackDatabase } from "../support/data-directory.ts";
import { expectRefusal } from "../support/expect-refusal.ts";
import { faces, refreshCookieOf } from "../support/faces.ts";
import { signUp } from "../support/people.ts";
import { launch, serve, temporaryFolder } from "../support/process.ts";
import { times } from "../support/property.ts";
import { secret, startServer } from "../support/server.ts";

const [rest] = faces;
if (rest === undefined) throw new Error("No face");

const password = "correct horse battery";
const settings = {
  JWT_SECRET_KEY: secret,
  RATE_LIMIT_REGISTER: "1000000",
  RATE_LIMIT_LOGIN: "1000000",
  RATE_LIMIT_REFRESH: "1000000",
};

/** Does something over and over until the server goes away. */
const untilGone = async (work: () => Promise<void>): Promise<void> => {
  for (;;) {
    try {
      await work();
    } catch {
      return;
    }
  }
};

/** Registers, four at a time, until the server goes away; tells of each answer that arrived. */
const registerUntilGone = async (url: string, told: (email: string) => void): Promise<void> => {
  const lane = () =>
    untilGone(async () => {
      const email = `${randomUUID()}@example.com`;
      const { status } = await rest.call(url, "auth.register", { email, password });
      if (status === 201) told(email);
    });
  await Promise.all([lane(), lane(), lane(), lane()]);
};

/** Refreshes a session until the server goes away; gives every refresh token that arrived, the oldest first. */
const refreshUntilGone = async (url: string, cookie: string): Promise<string[]> => {
  const tokens = [cookie];
  await untilGone(async () => {
    const answer = await rest.call(url, "auth.refresh", undefined, { cookie: tokens.at(-1) });
    tokens.push(refreshCookieOf(answer)?.value ?? "");
  });
  return tokens;
};

const rounds = times("KILLS", 3);

test(
  "what was answered before a kill -9 is there after it, round after round",
  async () => {
    const folder = await temporaryFolder();
    await unpackDatabase(folder);
    const acknowledged: string[] = [];
    const sessions: string[][] = [];
    for (let round = 1; round <= rounds; round++) {
      const server = await serve(folder, settings);
      const { cookie } = await signUp(server.url);
      const refreshed = refreshUntilGone(server.url, cookie);
      const enough = acknowledged.length + 5 + Math.floor(Math.random() * 10);
      await registerUntilGone(server.url, (email) => {
        if (acknowledged.push(email) === enough) void server.kill("SIGKILL");
      });
      expect(await server.ended).toEqual({ code: null, signal: "SIGKILL" });
      sessions.push(await refreshed);
    }
    // A crash in the wrong moment leaves the pid file empty, which PostgreSQL alone would not get over.
    const dataDir = join(folder, ".data");
    await writeFile(join(dataDir, "pglite/postmaster.pid"), "");
    // In this process, where the clock can be moved past the grace.
    const { url, clock, close } = await startServer({
      orm: await openEmbedded(dataDir, () => {}),
    });
    onTestFinished(close);
    for (const email of acknowledged) {
      const { status } = await rest.call(url, "auth.login", { email, password });
      expect(status).toBe(200);
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(5 * rounds);

    const refresh = (cookie: string | undefined) =>
      rest.call(url, "auth.refresh", undefined, { cookie });
    for (const tokens of sessions) expect((await refresh(tokens.at(-1))).status).toBe(200);
    clock.advance(11);
    for (const tokens of sessions) {
      expect(tokens.length).toBeGreaterThan(2);
      for (const token of [tokens.at(-3), ...tokens])
        expectRefusal(await refresh(token), 401, "INVALID_TOKEN");
    }
  },
  120_000 + 10_000 * rounds,
);

/** Ends when a path appears. */
const untilThere = async (folder: string, name: string): Promise<void> => {
  for await (const { filename } of watch(folder)) if (filename === name) return;
};

test("a first start that is killed leaves what the next one can use", async () => {
  const folder = await temporaryFolder();
  const data = join(folder, ".data");
  await mkdir(data);
  // While it makes the files, and when it has just made them: the second start begins anew.
  for (const name of ["pglite.new", "pglite"]) {
    const there = untilThere(data, name);
    const server = launch(folder);
    await there;
    expect(await server.kill("SIGKILL")).toEqual({ code: null, signal: "SIGKILL" });
  }
  // A secret of which only half was written, too.
  await writeFile(join(data, "jwt-secret.new"), "5ec2e7");
  const { url } = await serve(folder);
  await signUp(url);
});
