import { errors } from "@taskwire/shared";
import { expect, onTestFinished, test } from "vitest";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { newRefreshCookieOf, rest, transports } from "../support/client/transports.ts";
import type { Outcome } from "../support/faults/simulated-user.ts";
import { startTraffic } from "../support/faults/traffic.ts";
import { serve, temporaryFolder } from "../support/process/test-process.ts";
import { clonePostgres } from "../support/setup/database.ts";
import { ed25519Pair, rsaPair } from "../support/setup/key-pairs.ts";
import { randomFrom } from "../support/setup/random.ts";
import { required } from "../support/setup/required.ts";

const [oldSecret, newSecret] = ["5ec2e7".repeat(11), "5ec2e8".repeat(11)];
const [ed, rsa] = [ed25519Pair(), rsaPair()];

type Settings = Record<string, string>;

/** The settings of each step of docs/operations.md, "Keys": each step is one roll of all replicas. */
const rolls: [string, Settings[]][] = [
  [
    "to a new secret",
    [
      { JWT_SECRET_KEY: oldSecret },
      { JWT_SECRET_KEY: oldSecret, JWT_PREVIOUS_SECRET_KEYS: newSecret },
      { JWT_SECRET_KEY: newSecret, JWT_PREVIOUS_SECRET_KEYS: oldSecret },
    ],
  ],
  [
    "from a secret to a private key",
    [
      { JWT_SECRET_KEY: oldSecret },
      { JWT_SECRET_KEY: oldSecret, JWT_PUBLIC_KEYS: ed.publicPem },
      { JWT_SECRET_KEY: oldSecret, JWT_PRIVATE_KEY: ed.privatePem },
    ],
  ],
  [
    "to another private key",
    [
      { JWT_PRIVATE_KEY: ed.privatePem },
      { JWT_PRIVATE_KEY: ed.privatePem, JWT_PUBLIC_KEYS: rsa.publicPem },
      { JWT_PRIVATE_KEY: rsa.privatePem, JWT_PUBLIC_KEYS: ed.publicPem },
    ],
  ],
];

/** Returns whether a call got 401. */
const isUnauthorized = (code: Outcome["code"]): boolean =>
  code !== undefined && code !== "broken" && errors[code].trpc === "UNAUTHORIZED";

test.each(rolls)(
  "three replicas roll %s under load: no call gets 401, and every session goes on",
  async (_, [before, ...steps]) => {
    const folder = await temporaryFolder();
    const database = await clonePostgres();
    onTestFinished(database.drop);
    const shared = {
      DATABASE_URL: database.url,
      LOG_LEVEL: "info",
      RATE_LIMIT_REGISTER: "100000",
      RATE_LIMIT_LOGIN: "100000",
      RATE_LIMIT_REFRESH: "100000",
    };
    const start = (settings: Settings) => serve(folder, { ...shared, ...settings });
    const first = required(before, "the settings before the roll");
    const replicas = await Promise.all([first, first, first].map(start));
    const idle = await Promise.all(
      transports.map((transport) =>
        signedInUser(required(replicas[0], "a replica"), { transport }),
      ),
    );
    // Each call goes to the next replica, so that a token meets every key.
    let calls = 0;
    const nextReplica = () => required(replicas[calls++ % replicas.length], "a replica");
    const traffic = await startTraffic({
      size: 8,
      url: () => nextReplica().url,
      random: randomFrom(1),
      pause: 5,
    });
    /** Waits until every user's last five calls were sent from now on, and succeeded. */
    const untilNormal = async () => {
      const now = performance.now();
      await expect.poll(() => traffic.isNormalSince(now)).toBe(true);
    };
    await untilNormal();
    for (const settings of steps) {
      for (const [index, old] of replicas.entries()) {
        replicas[index] = await start(settings);
        // No call is on its way to the old process any more.
        await untilNormal();
        expect(await old.kill("SIGTERM")).toEqual({ code: 0, signal: null });
        // Tokens from before the roll, which have never been renewed.
        for (const { token } of idle)
          for (const { url } of replicas)
            expect((await rest.call(url, "auth.me", undefined, { token })).status).toBe(200);
      }
    }
    await traffic.stop();
    const codes = traffic.outcomes.map(({ code }) => code);
    expect(codes.filter(isUnauthorized)).toEqual([]);
    expect(codes.filter((code) => code !== undefined)).toEqual([]);
    for (const procedure of ["auth.me", "auth.refresh", "task.create"]) {
      const all = traffic.outcomes.filter((outcome) => outcome.procedure === procedure);
      expect(all.length).toBeGreaterThan(50);
    }
    for (const [index, { cookie }] of idle.entries()) {
      const transport = required(transports[index], "a transport");
      const { url } = nextReplica();
      const refreshed = await transport.call(url, "auth.refresh", undefined, { cookie });
      expect(newRefreshCookieOf(refreshed).value).not.toBe(cookie);
    }
    await traffic.check();
    expect(traffic.violations).toEqual([]);
  },
);
