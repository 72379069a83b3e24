import { transports } from "../client/transports.ts";
import { type SimulatedUser, type Outcome, startSimulatedUser } from "./simulated-user.ts";

/** Several users who call at the same time, over both transports in turn. */
export interface Traffic {
  /** How many users there are. */
  size: number;
  /** Every call so far. */
  outcomes: Outcome[];
  /** What must never be, a sentence each. */
  wrong: string[];
  /** Whether each user has had five successes, one after the other, since the given time. */
  isNormalSince: (time: number) => boolean;
  stop: () => Promise<void>;
  /** Reads everything back, when it has stopped; adds to `wrong` what is not as it was acknowledged. */
  check: () => Promise<void>;
}

interface TrafficOptions {
  size: number;
  /** Where the next call goes. */
  url: () => string;
  /** From 0 to 1, without 1. */
  random?: () => number;
  /** Milliseconds between an answer and the same user's next call. */
  pause: number;
}

/** Signs the users up, and lets them call until it is stopped. */
export const startTraffic = async (options: TrafficOptions): Promise<Traffic> => {
  const { size, url, pause, random = Math.random } = options;
  const outcomes: Outcome[] = [];
  const wrong: string[] = [];
  const latest = Array.from({ length: size }, (): Outcome[] => []);
  const users = await Promise.all(
    latest.map((own, index): Promise<SimulatedUser> => {
      const [rest, rpc] = transports;
      const transport = index % 2 === 0 ? rest : rpc;
      if (transport === undefined) throw new Error("No transport");
      const told = (outcome: Outcome): void => {
        outcomes.push(outcome);
        own.unshift(outcome);
        own.length = Math.min(own.length, 5);
      };
      return startSimulatedUser({
        url,
        transport,
        random,
        pause,
        told,
        wrong: (each) => void wrong.push(each),
      });
    }),
  );
  return {
    size,
    outcomes,
    wrong,
    isNormalSince: (time) =>
      latest.every(
        (own) => own.length === 5 && own.every(({ at, code }) => at >= time && code === undefined),
      ),
    stop: async () => {
      await Promise.all(users.map((lane) => lane.stop()));
    },
    check: async () => {
      const checks = await Promise.all(users.map((lane) => lane.check()));
      wrong.push(...checks.flat());
    },
  };
};
