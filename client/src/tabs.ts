import type { User } from "./api.generated.ts";

/** What the clients of a browser's tabs tell each other. */
export type TabMessage =
  /** A client needs a token, and asks whether another tab has one. */
  | { type: "ask" }
  /** The browser's cookie belongs to the session of this token. */
  | {
      type: "session";
      at: number;
      token: string;
      renewAt: number;
      expiresAt: number;
      user: User | undefined;
    }
  /** A session has ended, and its cookie was cleared or is of no use. */
  | { type: "signedOut"; at: number; sessionId: string };

/** The part of `BroadcastChannel` that the client uses. */
interface Channel {
  onmessage: ((event: { data: TabMessage }) => void) | null;
  postMessage: (message: TabMessage) => void;
}

/** The part of `navigator.locks` that the client uses. */
interface Locks {
  request: <Result>(
    name: string,
    options: { ifAvailable?: boolean },
    work: (lock: unknown) => Promise<Result>,
  ) => Promise<Result>;
}

/** What a platform offers for the tabs of one browser. Each part is optional. */
export interface TabPlatform {
  BroadcastChannel?: (new (name: string) => Channel) | undefined;
  locks?: Locks | undefined;
}

export interface Tabs {
  /**
   * Runs the work while no other work of this kind runs in any tab, because each may replace the cookie that all share.
   * @param work its parameter says whether it had to wait, so that the state may have changed meanwhile
   */
  exclusive: <Result>(work: (hasWaited: boolean) => Promise<Result>) => Promise<Result>;
  post: (message: TabMessage) => void;
  /** Asks the other tabs for a token. Resolves after the first message, or when none has come in time. */
  ask: (hasWaited: boolean) => Promise<void>;
}

/** The parts of a browser. Undefined elsewhere: clients of one Node process may belong to several users. */
const browserPlatform = (): TabPlatform => {
  // Safe: every part may be missing, and is checked before its use.
  const { document, navigator, BroadcastChannel } = globalThis as {
    document?: unknown;
    navigator?: { locks?: Locks };
    BroadcastChannel?: TabPlatform["BroadcastChannel"];
  };
  return document === undefined ? {} : { BroadcastChannel, locks: navigator?.locks };
};

/** Milliseconds. A tab that waited for a lock knows that another tab has just renewed the token. */
const patience = (hasWaited: boolean): number => (hasWaited ? 500 : 50);

/** Connects this client with those of the browser's other tabs, as far as the platform can. */
export const connectTabs = (
  name: string,
  listen: (message: TabMessage) => void,
  { BroadcastChannel, locks }: TabPlatform = browserPlatform(),
): Tabs => {
  let onAnswer: (() => void) | undefined;
  const channel = BroadcastChannel && new BroadcastChannel(name);
  // A channel keeps a Node process alive.
  (channel as { unref?: () => void } | undefined)?.unref?.();
  if (channel !== undefined)
    channel.onmessage = ({ data }) => {
      listen(data);
      if (data.type !== "ask") onAnswer?.();
    };
  const post = (message: TabMessage): void => channel?.postMessage(message);

  let last: Promise<unknown> | undefined;
  return {
    post,
    exclusive: async (work) => {
      if (locks === undefined) {
        const before = last;
        const run = (before ?? Promise.resolve()).then(() => work(before !== undefined));
        const settled = run
          .catch(() => {})
          .then(() => {
            if (last === settled) last = undefined;
          });
        last = settled;
        return run;
      }
      let outcome: { value: Awaited<ReturnType<typeof work>> } | undefined;
      await locks.request(name, { ifAvailable: true }, async (lock) => {
        if (lock !== null) outcome = { value: await work(false) };
      });
      return outcome === undefined ? locks.request(name, {}, () => work(true)) : outcome.value;
    },
    ask: (hasWaited) =>
      channel === undefined
        ? Promise.resolve()
        : new Promise((resolve) => {
            onAnswer = resolve;
            post({ type: "ask" });
            setTimeout(resolve, patience(hasWaited));
          }),
  };
};
