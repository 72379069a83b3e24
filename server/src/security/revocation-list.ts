/**
 * The revoked sessions whose access tokens have not expired yet. Every request checks it, so it is in memory. A session
 * is removed when the last of its access tokens has expired.
 */
export interface RevocationList {
  has: (sid: string) => boolean;
  add: (sids: readonly string[]) => void;
}

/**
 * Creates an empty list.
 * @param lifetime seconds for which an access token is accepted, with the clock tolerance
 */
export const createRevocationList = (lifetime: number, clock: () => Date): RevocationList => {
  // A map keeps the order of insertion, so the first sessions expire first.
  const expiresAt = new Map<string, number>();
  return {
    has: (sid) => expiresAt.has(sid),
    add: (sids) => {
      const now = clock().getTime();
      for (const sid of sids) {
        if (!expiresAt.has(sid)) expiresAt.set(sid, now + lifetime * 1000);
      }
      for (const [sid, time] of expiresAt) {
        if (time > now) break;
        expiresAt.delete(sid);
      }
    },
  };
};
