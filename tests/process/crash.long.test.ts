import { mkdir, watch, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openEmbedded } from "@taskwire/server/db/embedded/open.ts";
import { expect, onTestFinished, test } from "vitest";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { expectError } from "../support/client/expect-error.ts";
import { newRefreshCookieOf, transports } from "../support/client/transports.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { launch, serve, temporaryFolder } from "../support/process/test-process.ts";
import { printedRandom, times } from "../support/setup/property.ts";
import { secret, startServer } from "../support/setup/server.ts";
import { startTraffic } from "../support/faults/traffic.ts";

const [rest] = transports;
if (rest === undefined) throw new Error("No transport");

const refresh = (url: string, cookie: string | undefined) =>
  rest.call(url, "auth.refresh", undefined, { cookie });

/** Refreshes a session until the server stops; adds every refresh token that it returns to `tokens`. */
const refreshUntilStopped = async (
  url: string,
  tokens: string[],
  stopped: AbortSignal,
): Promise<void> => {
  while (!stopped.aborted) {
    try {
      const response = await refresh(url, tokens.at(-1));
      // A machine under load rejects some calls, which then change nothing.
      if (response.error?.code === "SERVICE_UNAVAILABLE") continue;
      tokens.push(newRefreshCookieOf(response).value);
    } catch {
      return;
    }
  }
};

const rounds = times("KILLS", 2);

test(
  "every acknowledged write and refresh survives repeated kill -9 and restart, even with an empty postmaster.pid",
  async () => {
    const folder = await temporaryFolder();
    await unpackDatabase(folder);
    const settings = {
      JWT_SECRET_KEY: secret,
      RATE_LIMIT_REGISTER: "1000000",
      RATE_LIMIT_LOGIN: "1000000",
      RATE_LIMIT_REFRESH: "1000000",
    };
    let server = await serve(folder, settings);
    const random = printedRandom();
    const traffic = await startTraffic({ size: 4, url: () => server.url, pause: 20, random });
    onTestFinished(() => traffic.stop());
    const { outcomes } = traffic;
    const sessions: string[][] = [];
    for (let round = 1; round <= rounds; round++) {
      const startedAt = performance.now();
      await expect.poll(() => traffic.isNormalSince(startedAt)).toBe(true);
      const succeeded = () =>
        outcomes.filter(({ at, code }) => at >= startedAt && code === undefined).length;
      await expect.poll(succeeded).toBeGreaterThan(50);
      const tokens = [(await signedInUser(server)).cookie];
      const stopped = new AbortController();
      const refreshed = refreshUntilStopped(server.url, tokens, stopped.signal);
      await expect.poll(() => tokens.length).toBeGreaterThan(3);
      // The kill comes at a random moment.
      await sleep(random() * 300);
      expect(await server.kill("SIGKILL")).toEqual({ code: null, signal: "SIGKILL" });
      stopped.abort();
      await refreshed;
      sessions.push(tokens);
      // A crash can leave the pid file empty; PostgreSQL alone would not start then.
      if (round === rounds) await writeFile(join(folder, ".data/pglite/postmaster.pid"), "");
      server = await serve(folder, settings);
    }
    await traffic.stop();
    await traffic.check();
    expect(traffic.violations).toEqual([]);
    const codes = new Set(outcomes.map(({ code }) => code));
    codes.delete("SERVICE_UNAVAILABLE");
    expect(codes).toEqual(new Set([undefined, "broken"]));
    await server.kill("SIGTERM");

    // In this process, where the test can move the clock past the grace period.
    const orm = await openEmbedded(join(folder, ".data"));
    const { url, clock, close } = await startServer({ orm });
    onTestFinished(close);
    for (const tokens of sessions) expect((await refresh(url, tokens.at(-1))).status).toBe(200);
    clock.advance(11);
    for (const tokens of sessions) {
      for (const token of [tokens.at(-3), ...tokens])
        expectError(await refresh(url, token), 401, "INVALID_TOKEN");
    }
  },
  300_000 + 60_000 * rounds,
);

/** Waits until a path appears, for a minute at most. */
const waitForPath = async (folder: string, name: string): Promise<void> => {
  try {
    const events = watch(folder, { signal: AbortSignal.timeout(60_000) });
    for await (const { filename } of events) if (filename === name) return;
  } catch (cause) {
    throw new Error(`${name} did not appear within a minute`, { cause });
  }
};

test("if the first start is killed while it creates the database, the next start succeeds", async () => {
  const folder = await temporaryFolder();
  const data = join(folder, ".data");
  await mkdir(data);
  // Killed while it creates the files, and just after that: the second start creates them again.
  for (const name of ["pglite.new", "pglite"]) {
    const appeared = waitForPath(data, name);
    const server = launch(folder);
    await appeared;
    expect(await server.kill("SIGKILL")).toEqual({ code: null, signal: "SIGKILL" });
  }
  // A half-written secret must not matter either.
  await writeFile(join(data, "jwt-secret.new"), "5ec2e7");
  const { url } = await serve(folder);
  await signedInUser({ url });
});
