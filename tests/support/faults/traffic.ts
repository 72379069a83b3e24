import { rest, rpc } from "../client/transports.ts";
import { type Outcome, type SimulatedUser, startSimulatedUser } from "./simulated-user.ts";

/** Several simulated users at the same time: half of them call over REST, half over RPC. */
export interface Traffic {
  /** The number of users. */
  size: number;
  /** All calls so far. */
  outcomes: Outcome[];
  /** Responses that contradict earlier ones, a sentence each. */
  violations: string[];
  /** Whether each user's last five calls were sent after the given time (`performance.now()`) and succeeded. */
  isNormalSince: (time: number) => boolean;
  stop: () => Promise<void>;
  /** Reads all data back after `stop`, and adds to `violations` what differs from the acknowledged changes. */
  check: () => Promise<void>;
}

interface TrafficOptions {
  size: number;
  /** Returns the URL of the server for the next call. */
  url: () => string;
  /** Returns numbers from 0 to 1, 1 excluded. */
  random: () => number;
  /** Milliseconds between a response and the same user's next call. */
  pause: number;
}

/** The number of successive successes after which a user is back to normal. */
const normalCalls = 5;

/** Registers the users, and lets them call until `stop`. */
export const startTraffic = async (options: TrafficOptions): Promise<Traffic> => {
  const { size, url, pause, random } = options;
  const outcomes: Outcome[] = [];
  const violations: string[] = [];
  const latest = Array.from({ length: size }, (): Outcome[] => []);
  const users = await Promise.all(
    latest.map((ofUser, index): Promise<SimulatedUser> => {
      const onOutcome = (outcome: Outcome): void => {
        outcomes.push(outcome);
        ofUser.unshift(outcome);
        ofUser.length = Math.min(ofUser.length, normalCalls);
      };
      return startSimulatedUser({
        url,
        transport: index % 2 === 0 ? rest : rpc,
        random,
        pause,
        onOutcome,
        onViolation: (sentence) => void violations.push(sentence),
      });
    }),
  );
  return {
    size,
    outcomes,
    violations,
    isNormalSince: (time) =>
      latest.every(
        (ofUser) =>
          ofUser.length === normalCalls &&
          ofUser.every(({ at, code }) => at >= time && code === undefined),
      ),
    stop: async () => {
      await Promise.all(users.map((user) => user.stop()));
    },
    check: async () => {
      const checks = await Promise.all(users.map((user) => user.check()));
      violations.push(...checks.flat());
    },
  };
};
