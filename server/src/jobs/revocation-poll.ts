import type { Logger } from "pino";
import type { Orm } from "../db/orm.ts";
import type { RevocationList } from "../security/revocation-list.ts";

/** Milliseconds between two polls, so that a session revoked on another replica is rejected here within a second. */
const interval = 300;

/** Seconds that each poll goes back, so that it finds revocations whose transactions took long to commit. */
const overlap = 10;

/**
 * Returns the ids of sessions that were revoked in the last seconds, by the database's clock. The sessions of a deleted
 * account have no row. Their access tokens are rejected because no call succeeds without a row of its user: see
 * `assertUserExists`.
 */
const readRevoked = async (orm: Orm, seconds: number): Promise<string[]> => {
  const rows = await orm.em
    .fork()
    .execute<{ id: string }[]>(
      "select id from sessions where revoked_at > now() - make_interval(secs => ?)",
      [seconds],
    );
  return rows.map(({ id }) => id);
};

interface RevocationPoll {
  stop: () => void;
  /** Returns the seconds since the last successful poll; 0 without other servers. */
  lag: () => number;
}

/**
 * Polls the database for revoked sessions, of other replicas and of the time before this start, until it is stopped.
 * LISTEN would lose notifications when a connection breaks, and does not work behind a connection pooler.
 * @param lifetime seconds for which an access token is accepted
 */
export const startRevocationPoll = async (
  orm: Orm,
  revocations: RevocationList,
  lifetime: number,
  log: Logger,
): Promise<RevocationPoll> => {
  let succeededAt = performance.now();
  let lastPoll: "none" | "failed" | "succeeded" = "none";
  const poll = async (): Promise<void> => {
    try {
      revocations.add(await readRevoked(orm, lastPoll === "succeeded" ? overlap : lifetime));
      if (lastPoll === "failed") log.info("Database available again");
      lastPoll = "succeeded";
      succeededAt = performance.now();
    } catch (error) {
      if (lastPoll !== "failed") log.warn({ err: error }, "Database unavailable");
      lastPoll = "failed";
    }
  };
  await poll();
  // No other process can use an embedded database.
  if (orm.embedded) return { stop: () => {}, lag: () => 0 };
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const schedule = (): void => {
    if (isStopped) return;
    timer = setTimeout(() => void poll().then(schedule), interval).unref();
  };
  schedule();
  return {
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
    lag: () => (performance.now() - succeededAt) / 1000,
  };
};
