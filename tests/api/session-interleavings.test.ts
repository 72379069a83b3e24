import fc from "fast-check";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { transports, refreshCookieOf } from "../support/client/transports.ts";
import { repeated, times } from "../support/setup/property.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

const runs = times("SESSION_RUNS", 60);

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

/** What happens at once: refreshes with tokens that are so many generations old, through either transport, and perhaps a logout. */
interface Step {
  ages: readonly number[];
  logout: boolean;
  /** Seconds that pass before. */
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

/** Takes the steps on a session of its own, and holds every answer against what may be. */
const expectRules = async (steps: readonly Step[]): Promise<void> => {
  const { cookie, sid, id } = await signedInUser(server);
  // The token of each generation that anybody was given.
  const tokens = [cookie];
  let isOver = false;
  let age = 0;
  for (const { ages, logout, pause } of steps) {
    server.clock.advance(pause);
    age += pause;
    const newest = tokens.length - 1;
    const used = ages.map((each) => Math.max(0, newest - each));
    const send = async (procedure: string, token: string | undefined, turn: number) => {
      const transport = transports[turn % transports.length] ?? transports[0];
      const answer = await transport?.call(server.url, procedure, undefined, { cookie: token });
      if (answer === undefined) throw new Error("No transport");
      return { status: answer.status, successor: refreshCookieOf(answer)?.value };
    };
    const [answers] = await Promise.all([
      Promise.all(used.map((generation, turn) => send("auth.refresh", tokens[generation], turn))),
      logout ? send("auth.logout", cookie, 0) : undefined,
    ]);

    const isExchanged = used.includes(newest);
    // A token older than the parent ends the session, unless a rotation is so recent that the grace covers it.
    const isReuse = age > 10 && used.some((generation) => generation < newest - 1);
    const isRisky = isReuse || logout;
    for (const { status, successor } of answers) {
      expect(status === 200 || status === 401).toBe(true);
      if (isOver) expect(status).toBe(401);
      else if (!isRisky) expect(status).toBe(200);
      if (successor === undefined) continue;
      const generation = generationOf(successor);
      expect(generation).toBeGreaterThanOrEqual(newest);
      expect(generation).toBeLessThanOrEqual(newest + (isExchanged ? 1 : 0));
      expect((tokens[generation] ??= successor)).toBe(successor);
    }
    if (tokens.length - 1 > newest) age = 0;
    const [row] = await server.deps.orm.em
      .fork()
      .execute<{ generation: number; over: boolean }[]>(
        "select generation, revoked_at is not null as over from sessions where id = ? and user_id = ?",
        [sid, id],
      );
    if (logout) expect(row?.over).toBe(true);
    // A rotation in the same breath may have let an old one pass within the grace that it began.
    if (isReuse && !isExchanged) expect(row?.over).toBe(true);
    if (!isRisky && !isOver) expect(row?.over).toBe(false);
    expect(row?.generation).toBe(tokens.length - 1);
    isOver = row?.over ?? true;
  }
};

test(
  "no interleaving of refreshes, reuse and logout breaks a session's rules",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) =>
        expectRules(steps),
      ),
      {
        ...repeated,
        numRuns: runs,
        endOnFailure: true,
      },
    );
  },
  30_000 + 200 * runs,
);
