import type { TabPlatform } from "@taskwire/client";
import type { Scheduler } from "fast-check";

type Channel = InstanceType<NonNullable<TabPlatform["BroadcastChannel"]>>;

/** A browser whose tabs share cookies, and channels and locks if it has them. */
export interface SimulatedBrowser {
  fetch: typeof fetch;
  platform: TabPlatform;
  /** The paths of all requests. */
  requests: string[];
}

/**
 * Creates a browser. The scheduler decides when each request leaves, when each response arrives, and when each message
 * and lock is delivered.
 * @param parts what the browser offers for its tabs
 */
export const simulatedBrowser = (
  scheduler: Scheduler,
  parts: { channel: boolean; locks: boolean },
): SimulatedBrowser => {
  const turn = (label: string): Promise<unknown> => scheduler.schedule(Promise.resolve(), label);
  const requests: string[] = [];
  let cookie: string | undefined;

  const channels = new Set<SimulatedChannel>();
  class SimulatedChannel implements Channel {
    listener: Parameters<Channel["addEventListener"]>[1] | undefined;
    constructor() {
      channels.add(this);
    }
    addEventListener(_type: "message", listener: NonNullable<typeof this.listener>): void {
      this.listener = listener;
    }
    postMessage(message: Parameters<Channel["postMessage"]>[0]): void {
      for (const channel of channels) if (channel !== this) void deliver(channel, message);
    }
  }

  const deliver = async (channel: SimulatedChannel, message: { type: string }): Promise<void> => {
    await turn(`message ${message.type}`);
    // Safe: the client reads only the event's data.
    if (typeof channel.listener === "function") channel.listener({ data: message } as never);
  };

  let held: Promise<unknown> | undefined;
  const isHeld = (): boolean => held !== undefined;
  const locks: NonNullable<TabPlatform["locks"]> = {
    request: async (_name, _options, work) => {
      while (isHeld()) await held;
      const released = Promise.withResolvers<void>();
      held = released.promise;
      try {
        await turn("lock");
        return await work({});
      } finally {
        held = undefined;
        released.resolve();
      }
    },
  };

  return {
    requests,
    platform: {
      BroadcastChannel: parts.channel ? SimulatedChannel : undefined,
      locks: parts.locks ? locks : undefined,
    },
    fetch: async (input, init) => {
      const path = new URL(input instanceof Request ? input.url : input).pathname;
      requests.push(path);
      await turn(`send ${path}`);
      const headers = new Headers(init?.headers);
      if (cookie !== undefined) headers.set("cookie", cookie);
      const response = await fetch(input, { ...init, headers });
      const body = await response.text();
      await turn(`receive ${path}`);
      for (const line of response.headers.getSetCookie()) [cookie] = line.split(";", 1);
      return new Response(body, response);
    },
  };
};
