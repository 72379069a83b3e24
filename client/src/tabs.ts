import type { User } from "./api.generated.ts";

/** What the clients of a browser's tabs tell each other. */
export type TabMessage =
  /** A client needs a token, and asks whether another tab has one. */
  | { type: "ask" }
  /** The browser's cookie belongs to the session of this token. */
  | { type: "session"; at: number; token: string; user: User | undefined }
  /** A session has ended, or without an id: the server rejected the browser's cookie. */
  | { type: "signedOut"; at: number; sessionId: string | undefined };

/** Gets an event whose `data` is a message. `never`, because each platform has its own type of event. */
type Listener = (event: never) => void;

/** The part of `BroadcastChannel` that the client uses. */
interface Channel {
  addEventListener(type: "message", listener: Listener | { handleEvent: Listener }): void;
  postMessage(message: TabMessage): void;
}

/** The part of `navigator.locks` that the client uses. */
interface Locks {
  request<Result>(
    name: string,
    options: object,
    work: (lock: unknown) => Promise<Result>,
  ): Promise<Result>;
}

/** What a platform offers for the tabs of one browser. Each part is optional. */
export interface TabPlatform {
  BroadcastChannel?: (new (name: string) => Channel) | undefined;
  locks?: Locks | undefined;
}

export interface Tabs {
  /** Runs the work while no other work of this kind runs in any tab, because each may replace the cookie that all share. */
  exclusive: <Result>(work: () => Promise<Result>) => Promise<Result>;
  post: (message: TabMessage) => void;
  /** Asks the other tabs for a token. Resolves after the first message, or when none has come in time. */
  ask: () => Promise<void>;
}

/** The parts of a browser. Undefined elsewhere: clients of one Node process may belong to several users. */
const browserPlatform = (): TabPlatform => {
  // Safe: every part may be missing, and is checked before its use.
  const { document, navigator, BroadcastChannel } = globalThis as unknown as {
    document?: unknown;
    navigator?: { locks?: Locks };
    BroadcastChannel?: TabPlatform["BroadcastChannel"];
  };
  return document === undefined ? {} : { BroadcastChannel, locks: navigator?.locks };
};

/** Milliseconds in which another tab answers. A page with one tab waits as long for its first token. */
const patience = 50;

/** Connects this client with those of the browser's other tabs, as far as the platform can. */
export const connectTabs = (
  name: string,
  listen: (message: TabMessage) => void,
  { BroadcastChannel, locks }: TabPlatform = browserPlatform(),
): Tabs => {
  let onAnswer: (() => void) | undefined;
  const channel = BroadcastChannel && new BroadcastChannel(name);
  channel?.addEventListener("message", ({ data }: { data: TabMessage }) => {
    listen(data);
    if (data.type !== "ask") onAnswer?.();
  });
  const post = (message: TabMessage): void => channel?.postMessage(message);

  let last: Promise<unknown> = Promise.resolve();
  return {
    post,
    exclusive: (work) => {
      if (locks !== undefined) return locks.request(name, {}, work);
      const result = last.then(work);
      last = result.catch(() => {});
      return result;
    },
    ask: () =>
      new Promise((resolve) => {
        if (channel === undefined) return resolve();
        onAnswer = resolve;
        post({ type: "ask" });
        setTimeout(resolve, patience);
      }),
  };
};
