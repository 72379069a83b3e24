import { connect, type Socket } from "node:net";
import type { PostgresServer } from "../support/external/postgres.ts";
import type { RedisServer } from "../support/external/redis.ts";
import { openSession, runSql } from "../support/external/sql-session.ts";
import type { Backend } from "./backend.ts";

/** What can be broken. */
export interface Target {
  postgres: PostgresServer;
  redis: RedisServer | undefined;
  /** Of the two, the one that is to suffer now. */
  backend: Backend;
}

/** Breaks something; gives what mends it again. */
type Fault = (target: Target) => Promise<() => Promise<unknown>>;

const nothing = (): Promise<void> => Promise.resolve();

const perform = (how: string, condition = "true"): Fault => {
  const which = `application_name = 'taskwire' and ${condition}`;
  return async ({ postgres }) => {
    await runSql(postgres.url, `select ${how}(pid) from pg_stat_activity where ${which}`);
    return nothing;
  };
};

const halt = (how: "fast" | "immediate"): Fault => {
  return async ({ postgres }) => {
    await postgres.halt(how);
    return () => postgres.start();
  };
};

const cut = (mode: "drop" | "drop answers" | "refuse", abandon = false): Fault => {
  return async ({ backend: { proxy } }) => {
    await proxy.set(mode);
    return () => {
      if (abandon) proxy.abandon();
      return proxy.set("pass");
    };
  };
};

/** Opens sockets that do as they are told, and closes what is left of them. */
const crowd = (size: number, attack: (socket: Socket) => void): Fault => {
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

/** Every fault, by what the log calls it. */
export const faults: Readonly<Record<string, Fault>> = {
  "terminated backends": perform("pg_terminate_backend"),
  "terminated statements": perform("pg_terminate_backend", "state = 'active'"),
  "PostgreSQL restarts": halt("fast"),
  "PostgreSQL crashes": halt("immediate"),
  "lost packets": cut("drop"),
  "lost packets for good": cut("drop", true),
  "lost answers": cut("drop answers"),
  "refused connections": cut("refuse"),
  "reset connections": async ({ backend }) => {
    backend.proxy.reset();
    return nothing;
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
  "a mute Redis": async ({ redis }) => {
    redis?.pause();
    return async () => redis?.resume();
  },
  "a killed Redis": async ({ redis }) => {
    await redis?.kill();
    return async () => redis?.start();
  },
  "idle sockets": crowd(500, () => {}),
  "slow headers": crowd(200, (socket) => {
    socket.write("GET / HTTP/1.1\r\n");
  }),
  "requests without reading": crowd(10, (socket) => {
    socket.pause();
    socket.write("GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n".repeat(500));
  }),
};
