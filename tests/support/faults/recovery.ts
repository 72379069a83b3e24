import { setTimeout as sleep } from "node:timers/promises";
import { openPostgres } from "@taskwire/server/db/postgres.ts";
import type { ErrorCode } from "@taskwire/shared";
import type pg from "pg";
import { expect } from "vitest";
import { withDatabase } from "../setup/global-setup.ts";
import { send } from "../client/http.ts";
import { type Proxy, startProxy } from "../external/proxy.ts";
import { openSession, runSql } from "../external/sql-session.ts";
import { expectPromisedTime } from "../setup/promised-time.ts";
import { printedRandom } from "../setup/property.ts";
import { startServer, type TestServer } from "../setup/server.ts";
import { startTraffic, type Traffic } from "./traffic.ts";

/** The parts of a running system that a fault can break. */
interface Environment {
  /** Between the server and its database. */
  proxy: Proxy;
  /** Opens a superuser's session on the server's database or another one, without the proxy. */
  session: (database?: string) => Promise<pg.Client>;
  /** Runs one statement in such a session. */
  sql: <Row extends object>(text: string) => Promise<Row[]>;
}

/** A failure of the database, or of the network in front of it. */
export interface Fault {
  name: string;
  /** Causes the fault. Returns the function that removes it, unless it passes by itself. */
  inject: (environment: Environment) => Promise<void | (() => Promise<unknown>)>;
  /** The error code of calls that fail meanwhile; SERVICE_UNAVAILABLE by default. */
  code?: ErrorCode;
  /** The number of calls that have to fail before the fault is removed; by default as many as there are users. */
  minErrors?: number;
}

/** The promised milliseconds (docs/operations.md): compared only in `pnpm test:times`. */
const promised = { response: 3000, health: 1000, recovery: 5000 };

/** Milliseconds after which a loop that would never end is ended. It promises nothing. */
const maxWait = 60_000;

/** Polls until the condition is true. Throws if it stays false. */
const until = async (what: string, condition: () => boolean | Promise<boolean>): Promise<void> => {
  const end = performance.now() + maxWait;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Still not after ${maxWait} ms: ${what}`);
    await sleep(10);
  }
};

/** Starts a server on a database behind a proxy; `close()` closes both. */
const startEnvironment = async (database: string) => {
  const proxy = await startProxy(Number(new URL(database).port));
  const throughProxy = Object.assign(new URL(database), { port: String(proxy.port) }).href;
  const orm = await openPostgres(throughProxy, { poolMin: 2, poolMax: 5 });
  const server = await startServer({ orm });
  const session: Environment["session"] = (name) =>
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

/** Polls the server's health until the signal aborts. Returns the slowest response in milliseconds. */
const watchHealth = async ({ url, clock }: TestServer, stop: AbortSignal): Promise<number> => {
  let slowest = 0;
  const statusOf = async (path: string): Promise<number> => {
    const began = performance.now();
    const { status } = await send(url, { method: "GET", path });
    slowest = Math.max(slowest, performance.now() - began);
    return status;
  };
  while (!stop.aborted) {
    expect(await statusOf("/health/live")).toBe(200);
    expect([200, 503]).toContain(await statusOf("/health/ready"));
    await sleep(100);
    clock.advance(0.1);
  }
  // On a machine under load, a check of a working database can take longer than its limit.
  await until("ready", async () => {
    clock.advance(1);
    return (await statusOf("/health/ready")) === 200;
  });
  return slowest;
};

/** Injects a fault, waits until enough calls have failed, and removes it. Returns the time of the removal. */
const injectUntilNoticed = async (
  environment: Environment,
  fault: Fault,
  traffic: Traffic,
): Promise<number> => {
  const injectedAt = performance.now();
  const restore = await fault.inject(environment);
  try {
    const { minErrors = traffic.size } = fault;
    const calls = () => traffic.outcomes.filter(({ at }) => at >= injectedAt);
    const errors = () => calls().filter(({ code }) => code !== undefined);
    await until("failed calls", () => errors().length >= minErrors);
    // A fault that need not cause errors has to last for some calls at least.
    await until("calls", () => calls().length >= 2 * traffic.size);
  } finally {
    await restore?.();
  }
  return performance.now();
};

/**
 * Injects a fault under traffic over both transports. Expects that calls fail during the fault, only with its code, that
 * the process stays healthy, that all calls succeed after the fault's end, and that no acknowledged change is lost.
 * @param database the URL of a migrated database
 */
export const expectRecovery = async (database: string, fault: Fault): Promise<void> => {
  const { server, ...environment } = await startEnvironment(database);
  const traffic = await startTraffic({
    size: 4,
    url: () => server.url,
    pause: 40,
    random: printedRandom(),
  });
  const { outcomes, violations } = traffic;
  const stopHealth = new AbortController();
  let health: Promise<number> | undefined;
  try {
    await until("traffic", () => traffic.isNormalSince(0));
    health = watchHealth(server, stopHealth.signal);
    const restoredAt = await injectUntilNoticed(environment, fault, traffic);
    const isNormal = () => traffic.isNormalSince(restoredAt);
    await until("normal", isNormal);
    await traffic.stop();
    stopHealth.abort();
    expectPromisedTime("Slowest health check", await health, promised.health);

    const errors = outcomes.filter(({ code }) => code !== undefined);
    const { code = "SERVICE_UNAVAILABLE" } = fault;
    const retryAfter = code === "SERVICE_UNAVAILABLE" ? "1" : null;
    const unexpected = errors.filter(
      (outcome) => outcome.code !== code || outcome.retryAfter !== retryAfter,
    );
    expect(unexpected).toEqual([]);
    const slowest = Math.max(...outcomes.map(({ ms }) => ms));
    expectPromisedTime(`${fault.name}: slowest call`, slowest, promised.response);
    const recovery = Math.max(0, ...errors.map(({ at, ms }) => at + ms - restoredAt));
    expectPromisedTime(`${fault.name}: recovery`, recovery, promised.recovery);
    await traffic.check();
    expect(violations).toEqual([]);
  } finally {
    stopHealth.abort();
    await traffic.stop();
    // If an expectation has failed, the watcher still runs: its own failure must not become an unhandled rejection.
    await health?.catch(() => {});
    await environment.close();
  }
};
