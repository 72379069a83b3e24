/**
 * The sessions that ended while access tokens of theirs are still good: asked on every request, so it is a set in
 * memory and no query. A session is forgotten when the last of its access tokens has expired.
 */
export interface RevocationList {
  has: (sid: string) => boolean;
  add: (sids: readonly string[]) => void;
}

/**
 * @param lifetime seconds that an access token is taken for at most
 */
export const createRevocationList = (lifetime: number, clock: () => Date): RevocationList => {
  // In the order in which they were added, which is the order in which they may be forgotten.
  const forgetAt = new Map<string, number>();
  return {
    has: (sid) => forgetAt.has(sid),
    add: (sids) => {
      const now = clock().getTime();
      for (const sid of sids) {
        if (!forgetAt.has(sid)) forgetAt.set(sid, now + lifetime * 1000);
      }
      for (const [sid, time] of forgetAt) {
        if (time > now) break;
        forgetAt.delete(sid);
      }
    },
  };
};
