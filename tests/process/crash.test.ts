import { mkdir, watch, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openEmbedded } from "@taskwire/server/db/embedded/open.ts";
import { expect, onTestFinished, test } from "vitest";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { expectError } from "../support/client/expect-error.ts";
import { transports, refreshCookieOf } from "../support/client/transports.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { launch, serve, temporaryFolder } from "../support/process/test-process.ts";
import { times } from "../support/setup/property.ts";
import { secret, startServer } from "../support/setup/server.ts";
import { startTraffic } from "../support/faults/traffic.ts";

const [rest] = transports;
if (rest === undefined) throw new Error("No transport");

const refresh = (url: string, cookie: string | undefined) =>
  rest.call(url, "auth.refresh", undefined, { cookie });

/** Refreshes a session until the server goes away; adds every refresh token that arrives. */
const refreshUntilGone = async (url: string, tokens: string[]): Promise<void> => {
  for (;;) {
    try {
      tokens.push(refreshCookieOf(await refresh(url, tokens.at(-1)))?.value ?? "");
    } catch {
      return;
    }
  }
};

const rounds = times("KILLS", 2);

test(
  "what was acknowledged before a kill -9 is there after it, round after round",
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
    const traffic = await startTraffic({ size: 4, url: () => server.url, pause: 20 });
    onTestFinished(() => traffic.stop());
    const { outcomes } = traffic;
    const sessions: string[][] = [];
    for (let round = 1; round <= rounds; round++) {
      const began = performance.now();
      await expect.poll(() => traffic.isNormalSince(began), { timeout: 20_000 }).toBe(true);
      const tokens = [(await signedInUser(server)).cookie];
      const refreshed = refreshUntilGone(server.url, tokens);
      await expect.poll(() => tokens.length, { timeout: 20_000 }).toBeGreaterThan(3);
      // At whatever it is doing then.
      await sleep(Math.random() * 300);
      expect(await server.kill("SIGKILL")).toEqual({ code: null, signal: "SIGKILL" });
      await refreshed;
      sessions.push(tokens);
      // A crash in the wrong moment leaves the pid file empty, which PostgreSQL alone would not get over.
      if (round === rounds) await writeFile(join(folder, ".data/pglite/postmaster.pid"), "");
      server = await serve(folder, settings);
    }
    await traffic.stop();
    await traffic.check();
    expect(traffic.violations).toEqual([]);
    expect(new Set(outcomes.map(({ code }) => code))).toEqual(new Set([undefined, "broken"]));
    expect(outcomes.filter(({ code }) => code === undefined).length).toBeGreaterThan(100);
    await server.kill("SIGTERM");

    // In this process, where the clock can be moved past the grace.
    const orm = await openEmbedded(join(folder, ".data"), () => {});
    const { url, clock, close } = await startServer({ orm });
    onTestFinished(close);
    for (const tokens of sessions) expect((await refresh(url, tokens.at(-1))).status).toBe(200);
    clock.advance(11);
    for (const tokens of sessions) {
      for (const token of [tokens.at(-3), ...tokens])
        expectError(await refresh(url, token), 401, "INVALID_TOKEN");
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
  await signedInUser({ url });
});
