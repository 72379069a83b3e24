import { mkdir, watch, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { unpackDatabase } from "../support/data-directory.ts";
import { signUp } from "../support/people.ts";
import { launch, serve, temporaryFolder } from "../support/process.ts";
import { startTraffic } from "../support/traffic.ts";

test("what was acknowledged before a kill -9 is there after it, round after round", async () => {
  const folder = await temporaryFolder();
  await unpackDatabase(folder);
  const unlimited = {
    RATE_LIMIT_REGISTER: "1000000",
    RATE_LIMIT_LOGIN: "1000000",
    RATE_LIMIT_REFRESH: "1000000",
  };
  let server = await serve(folder, unlimited);
  const traffic = await startTraffic({ size: 4, url: () => server.url, pause: 0 });
  onTestFinished(() => traffic.stop());
  const { outcomes } = traffic;
  for (let round = 1; round <= 3; round++) {
    const began = performance.now();
    await expect.poll(() => traffic.isNormalSince(began), { timeout: 20_000 }).toBe(true);
    // At whatever it is doing then.
    await sleep(Math.random() * 300);
    expect(await server.kill("SIGKILL")).toEqual({ code: null, signal: "SIGKILL" });
    // A crash in the wrong moment leaves the pid file empty, which PostgreSQL alone would not get over.
    if (round === 3) await writeFile(join(folder, ".data/pglite/postmaster.pid"), "");
    server = await serve(folder, unlimited);
  }
  await traffic.stop();
  await traffic.check();
  expect(traffic.wrong).toEqual([]);
  expect(new Set(outcomes.map(({ code }) => code))).toEqual(new Set([undefined, "broken"]));
  expect(outcomes.filter(({ code }) => code === undefined).length).toBeGreaterThan(100);
});

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
