import { setTimeout as sleep } from "node:timers/promises";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import type { ErrorCode } from "@taskwire/shared";
import type pg from "pg";
import { expect } from "vitest";
import { withDatabase } from "../setup/global-setup.ts";
import { send } from "../client/http.ts";
import { type Proxy, startProxy } from "../external/proxy.ts";
import { openSession, runSql } from "../external/sql-session.ts";
import { startServer } from "../setup/server.ts";
import { startTraffic, type Traffic } from "./traffic.ts";

/** What a fault can get at. */
interface World {
  /** Between the server and its database. */
  proxy: Proxy;
  /** A superuser's session on the server's database or another, past the proxy. */
  session: (database?: string) => Promise<pg.Client>;
  /** Runs one statement in such a session. */
  sql: <Row extends object>(text: string) => Promise<Row[]>;
}

/** Something that goes wrong with a database. */
export interface Fault {
  name: string;
  /** Does it; gives what takes it back, if it does not pass by itself. */
  strike: (world: World) => Promise<void | (() => Promise<unknown>)>;
  /** How calls are refused meanwhile, if not as put off. */
  code?: ErrorCode;
  /** How many calls have to be refused before it is taken back; otherwise as many as there are users. */
  refusals?: number;
}

/** Milliseconds; a busy machine's own slowness comes on top. */
const limits = { answer: 3000, health: 1000, recovery: 5000, slack: 2000 };

/** Polls until it is so. */
const until = async (what: string, so: () => boolean, ms: number): Promise<void> => {
  const deadline = performance.now() + ms;
  while (!so()) {
    if (performance.now() > deadline) throw new Error(`Not within ${ms} ms: ${what}`);
    await sleep(10);
  }
};

/** A server on a database behind a proxy; `close()` ends both. */
const startWorld = async (database: string) => {
  const proxy = await startProxy(Number(new URL(database).port));
  const behind = Object.assign(new URL(database), { port: String(proxy.port) }).href;
  const orm = await openPostgres(behind, { poolMin: 2, poolMax: 5 });
  const server = await startServer({ orm });
  const session: World["session"] = (name) =>
    openSession(name === undefined ? database : withDatabase(database, name));
  return {
    server,
    proxy,
    session,
    sql: <Row extends object>(text: string): Promise<Row[]> => runSql(database, text),
    close: async () => {
      await server.close();
      await proxy.close();
    },
  };
};

/** Asks for the server's health again and again, until it is told to stop; gives the slowest answer's milliseconds. */
const watchHealth = async (url: string, stop: AbortSignal): Promise<number> => {
  let slowest = 0;
  const ask = async (path: string): Promise<number> => {
    const began = performance.now();
    const { status } = await send(url, { method: "GET", path });
    slowest = Math.max(slowest, performance.now() - began);
    return status;
  };
  while (!stop.aborted) {
    expect(await ask("/health/live")).toBe(200);
    expect([200, 503]).toContain(await ask("/health/ready"));
    await sleep(100);
  }
  expect(await ask("/health/ready")).toBe(200);
  return slowest;
};

/** Strikes, waits until it is felt, and takes it back; gives when that was. */
const suffer = async (world: World, fault: Fault, traffic: Traffic): Promise<number> => {
  const struck = performance.now();
  const heal = await fault.strike(world);
  try {
    const { refusals = traffic.size } = fault;
    const since = () => traffic.outcomes.filter(({ at }) => at >= struck);
    const refused = () => since().filter(({ code }) => code !== undefined);
    await until("refusals", () => refused().length >= refusals, 8000);
    // What hurts nobody is to have had its chance.
    await until("calls", () => since().length >= 2 * traffic.size, 20_000);
  } finally {
    await heal?.();
  }
  return performance.now();
};

/**
 * Lets a fault happen under traffic over both transports, and expects that calls are put off at worst, each within 3 s, that
 * the process lives, that all is normal within 5 s of the end, and that nothing acknowledged is lost.
 * @param database the URL of a migrated one
 */
export const expectRecovery = async (database: string, fault: Fault): Promise<void> => {
  const { server, ...world } = await startWorld(database);
  const traffic = await startTraffic({ size: 4, url: () => server.url, pause: 40 });
  const { outcomes, wrong } = traffic;
  const calm = new AbortController();
  try {
    await until("traffic", () => traffic.isNormalSince(0), 5000);
    const health = watchHealth(server.url, calm.signal);
    const healed = await suffer(world, fault, traffic);
    await until("normal", () => traffic.isNormalSince(healed), limits.recovery + limits.answer);
    await traffic.stop();
    calm.abort();
    expect(await health).toBeLessThan(limits.health + limits.slack);

    const refused = outcomes.filter(({ code }) => code !== undefined);
    const { code = "SERVICE_UNAVAILABLE" } = fault;
    const retryAfter = code === "SERVICE_UNAVAILABLE" ? "1" : null;
    const unexpected = refused.filter(
      (outcome) => outcome.code !== code || outcome.retryAfter !== retryAfter,
    );
    expect(unexpected).toEqual([]);
    const slowest = Math.max(...outcomes.map(({ ms }) => ms));
    expect(slowest).toBeLessThan(limits.answer + limits.slack);
    const recovery = Math.max(0, ...refused.map(({ at, ms }) => at + ms - healed));
    expect(recovery).toBeLessThan(limits.recovery + limits.slack);
    await traffic.check();
    expect(wrong).toEqual([]);
  } finally {
    calm.abort();
    await traffic.stop();
    await world.close();
  }
};
