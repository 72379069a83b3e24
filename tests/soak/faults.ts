import { connect, type Socket } from "node:net";
import type { PostgresServer } from "../support/external/postgres.ts";
import type { RedisServer } from "../support/external/redis.ts";
import { openSession, runSql } from "../support/external/sql-session.ts";
import type { Backend } from "./backend.ts";

/** The parts that a fault can break. */
export interface Target {
  postgres: PostgresServer;
  redis: RedisServer | undefined;
  /** The server process to break. */
  backend: Backend;
}

/** Injects a fault, and returns the function that removes it. */
type Fault = (target: Target) => Promise<() => Promise<unknown>>;

/** For faults that pass by themselves. */
const noRestore = (): Promise<void> => Promise.resolve();

/** Calls a function of PostgreSQL on the server's backends. */
const signalBackends = (signalFunction: string, condition = "true"): Fault => {
  const which = `application_name = 'taskwire' and ${condition}`;
  return async ({ postgres }) => {
    await runSql(
      postgres.url,
      `select ${signalFunction}(pid) from pg_stat_activity where ${which}`,
    );
    return noRestore;
  };
};

const halt = (mode: "fast" | "immediate"): Fault => {
  return async ({ postgres }) => {
    await postgres.halt(mode);
    return () => postgres.start();
  };
};

const breakNetwork = (mode: "drop" | "drop responses" | "reject", abandon = false): Fault => {
  return async ({ backend: { proxy } }) => {
    await proxy.set(mode);
    return () => {
      if (abandon) proxy.abandon();
      return proxy.set("pass");
    };
  };
};

/** Opens sockets to the server, runs the attack on each, and destroys them. */
const attackWith = (size: number, attack: (socket: Socket) => void): Fault => {
  return async ({ backend: { url } }) => {
    const sockets = Array.from({ length: size }, () => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      socket.on("error", () => {});
      socket.once("connect", () => attack(socket));
      return socket;
    });
    return async () => {
      for (const socket of sockets) socket.destroy();
    };
  };
};

/** All faults by their name in the log. */
export const faults: Readonly<Record<string, Fault>> = {
  "terminated backends": signalBackends("pg_terminate_backend"),
  "backends terminated during a statement": signalBackends(
    "pg_terminate_backend",
    "state = 'active'",
  ),
  "PostgreSQL restarts": halt("fast"),
  "PostgreSQL crashes": halt("immediate"),
  "dropped packets": breakNetwork("drop"),
  "dropped packets, and dead old connections": breakNetwork("drop", true),
  "dropped database responses": breakNetwork("drop responses"),
  "rejected connections": breakNetwork("reject"),
  "reset connections": async ({ backend }) => {
    backend.proxy.reset();
    return noRestore;
  },
  "slow packets": async ({ backend: { proxy } }) => {
    proxy.delay = 50;
    return async () => (proxy.delay = 0);
  },
  "a locked table": async ({ postgres }) => {
    const session = await openSession(postgres.url);
    await session.query("begin; lock tasks");
    return () => session.end();
  },
  "a killed process": async ({ backend }) => {
    await backend.kill();
    return () => backend.start();
  },
  "a frozen Redis": async ({ redis }) => {
    redis?.pause();
    return async () => redis?.resume();
  },
  "a killed Redis": async ({ redis }) => {
    await redis?.kill();
    return async () => redis?.start();
  },
  "idle sockets": attackWith(500, () => {}),
  "slow headers": attackWith(200, (socket) => {
    socket.write("GET / HTTP/1.1\r\n");
  }),
  "unread responses": attackWith(10, (socket) => {
    socket.pause();
    socket.write("GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n".repeat(500));
  }),
};
