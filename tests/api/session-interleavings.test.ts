import fc from "fast-check";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { transports, refreshCookieOf } from "../support/client/transports.ts";
import { repeated, times } from "../support/setup/property.ts";
import { required } from "../support/setup/required.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

const runs = times("SESSION_RUNS", 60);

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

/** Concurrent calls: one refresh for each age, alternating between the transports, and optionally a logout. */
interface Step {
  /** How many generations before the newest each refresh token is. */
  ages: readonly number[];
  logout: boolean;
  /** Seconds that pass before the step. */
  pause: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  ages: fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(3)), {
    minLength: 1,
    maxLength: 5,
  }),
  logout: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
  pause: fc.constantFrom(0, 0, 1, 9, 11, 60),
});

const generationOf = (token: string): number => Number(decodeJwt(token)["gen"]);

/** Runs the steps on a new session; checks every response and the stored session. */
const expectSessionRules = async (steps: readonly Step[]): Promise<void> => {
  const { cookie, sid, id } = await signedInUser(server);
  // The token of each generation that the server has issued.
  const tokens = [cookie];
  let isRevoked = false;
  let now = 0;
  /** When the token of each generation was rotated, in seconds since sign-in. */
  const rotatedAt: number[] = [];
  /** The newest generation at which its parent was used after the grace period. */
  let lateParentAt: number | undefined;
  for (const { ages, logout, pause } of steps) {
    server.clock.advance(pause);
    now += pause;
    const newest = tokens.length - 1;
    const usedGenerations = ages.map((each) => Math.max(0, newest - each));
    const send = async (procedure: string, token: string | undefined, index: number) => {
      const transport = required(transports[index % transports.length], "a transport");
      const response = await transport.call(server.url, procedure, undefined, { cookie: token });
      return { status: response.status, successor: refreshCookieOf(response)?.value };
    };
    const [responses] = await Promise.all([
      Promise.all(
        usedGenerations.map((generation, index) => send("auth.refresh", tokens[generation], index)),
      ),
      logout ? send("auth.logout", cookie, 0) : undefined,
    ]);

    const isRotated = usedGenerations.includes(newest);
    // For 10 s after its own rotation, a token is a late request. After that, only the parent of the newest is
    // accepted, and not in two successive generations.
    const late = usedGenerations.filter((generation) => now - (rotatedAt[generation] ?? now) > 10);
    const isLateParent = late.includes(newest - 1);
    const isReuse =
      late.some((generation) => generation < newest - 1) ||
      (isLateParent && lateParentAt === newest - 1);
    // If the newest token is rotated first, its parent is one generation too old.
    const mayRevoke = isReuse || logout || (isLateParent && isRotated);
    for (const { status, successor } of responses) {
      if (isRevoked) expect(status).toBe(401);
      else if (!mayRevoke) expect(status).toBe(200);
      // Before or after the call that revokes the session.
      else expect([200, 401]).toContain(status);
      expect(successor !== undefined).toBe(status === 200);
      if (successor === undefined) continue;
      const generation = generationOf(successor);
      expect(generation).toBeGreaterThanOrEqual(newest);
      expect(generation).toBeLessThanOrEqual(newest + (isRotated ? 1 : 0));
      expect((tokens[generation] ??= successor)).toBe(successor);
    }
    if (tokens.length - 1 > newest) rotatedAt[newest] = now;
    if (isLateParent) lateParentAt = newest;
    const [stored] = await server.deps.orm.em
      .fork()
      .execute<{ generation: number; revoked: boolean }[]>(
        "select generation, revoked_at is not null as revoked from sessions where id = ? and user_id = ?",
        [sid, id],
      );
    const row = required(stored, "the session");
    if (logout) expect(row.revoked).toBe(true);
    if (isReuse) expect(row.revoked).toBe(true);
    if (!mayRevoke && !isRevoked) expect(row.revoked).toBe(false);
    expect(row.generation).toBe(tokens.length - 1);
    isRevoked = row.revoked;
  }
};

test(
  "concurrent refreshes, token reuse and logout: one successor per generation, revoked only by reuse or logout",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) =>
        expectSessionRules(steps),
      ),
      {
        ...repeated,
        numRuns: runs,
        endOnFailure: true,
      },
    );
  },
  300_000 + 2000 * runs,
);
