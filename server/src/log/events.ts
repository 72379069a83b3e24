import { isIP } from "node:net";
import type { Logger } from "pino";
import type { RequestRecord } from "./request-record.ts";

interface EventRow {
  readonly level: "info" | "warn";
  readonly message: string;
  /** The values of the field `reason`; empty if the event has no such field. */
  readonly reasons: readonly string[];
}

/** Every security event. Alerts depend on the names and reasons, so they never change. */
export const events = {
  signInFailed: {
    level: "warn",
    message: "Sign-in failed",
    reasons: ["unknownAccount", "wrongPassword"],
  },
  passwordRejected: {
    level: "warn",
    message: "Wrong password of a signed-in user",
    reasons: [],
  },
  limitTripped: {
    level: "warn",
    message: "Rate limit tripped",
    reasons: [
      "register",
      "login",
      "refresh",
      "refreshesOfSession",
      "passwordsOfUser",
      "passwordsOfAddress",
      "attemptsFromAddress",
      "attemptsOnAccount",
      "callsOfUser",
      "callsOfAddress",
    ],
  },
  refreshTokenReused: {
    level: "warn",
    message: "Refresh token reused: session revoked",
    reasons: [],
  },
  sessionsRevoked: {
    level: "info",
    message: "Sessions revoked",
    reasons: ["signOut", "user", "otherSessions", "newSignIn", "operator"],
  },
  passwordChanged: { level: "info", message: "Password changed", reasons: [] },
  accountDeleted: { level: "info", message: "Account deleted", reasons: [] },
  usersImported: { level: "info", message: "Users imported", reasons: [] },
} as const satisfies Record<string, EventRow>;

/** The name of a security event. */
type SecurityEvent = keyof typeof events;

type Reason<Name extends SecurityEvent> = (typeof events)[Name]["reasons"][number];

/** The rate limits, as the reasons of `limitTripped`. */
export type Limit = Reason<"limitTripped">;

/** Ids and counts. No field is a text of a client, and none is an e-mail address. */
interface EventFields {
  user_id?: string | undefined;
  session_id?: string;
  /** How many sessions were revoked. */
  sessions?: number;
  created?: number;
  existing?: number;
  rejected?: number;
}

/** Where an event comes from: a call, or a command-line tool, which has no client. */
interface EventSource {
  log: Pick<Logger, "info" | "warn">;
  address?: string;
  record?: RequestRecord | undefined;
}

/** Returns a client's address for the log: a header that a proxy passed on may hold anything. */
export const loggedAddress = (address: string): string =>
  isIP(address) === 0 ? "unknown" : address;

/** Writes the line of a security event, with the client's address and the user whom the call has identified. */
export const logEvent = <Name extends SecurityEvent>(
  { log, address, record }: EventSource,
  event: Name,
  fields: EventFields & ([Reason<Name>] extends [never] ? object : { reason: Reason<Name> }),
): void => {
  const { level, message } = events[event];
  const source = {
    user_id: record?.userId,
    address: address === undefined ? undefined : loggedAddress(address),
  };
  log[level]({ event, ...source, ...fields }, message);
};
