import type { Logger } from "pino";
import type { RevocationList } from "../security/revocation-list.ts";
import type { Orm } from "../db/orm.ts";

/** Milliseconds between two looks: a session that ended elsewhere has ended here well within a second. */
const interval = 300;

/** Seconds that each look goes back, so that what took long to commit is not missed. */
const overlap = 10;

/** Reads what ended in the last seconds, by the database's clock. */
const read = async (orm: Orm, seconds: number): Promise<string[]> => {
  const rows = await orm.em
    .fork()
    .execute<{ id: string }[]>(
      "select id from sessions where revoked_at > now() - make_interval(secs => ?)",
      [seconds],
    );
  return rows.map(({ id }) => id);
};

/**
 * Learns which sessions ended, on any replica and before this start, until it is stopped. It looks instead of being
 * told: nothing is lost with a connection, and LISTEN would not work behind a pooler.
 * @param lifetime seconds that an access token is taken for at most
 */
export const startRevocationPoll = async (
  orm: Orm,
  ended: RevocationList,
  lifetime: number,
  log: Logger,
): Promise<{ stop: () => void }> => {
  let isCurrent = false;
  let isAway = false;
  const look = async (): Promise<void> => {
    try {
      ended.add(await read(orm, isCurrent ? overlap : lifetime));
      if (isAway) log.info("The database is back");
      [isCurrent, isAway] = [true, false];
    } catch (error) {
      if (!isAway) log.warn({ err: error }, "The database is away");
      [isCurrent, isAway] = [false, true];
    }
  };
  await look();
  // An embedded database has no other process that could end a session.
  if (orm.embedded) return { stop: () => {} };
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const schedule = (): void => {
    if (isStopped) return;
    timer = setTimeout(() => void look().then(schedule), interval).unref();
  };
  schedule();
  return {
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
};
