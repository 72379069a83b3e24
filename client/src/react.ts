import { useSyncExternalStore } from "react";
import type { Client } from "./client.ts";
import type { SessionSnapshot } from "./sign-in.ts";

/** A React hook: returns the session's status and user, and renders again when they change. */
export const useSession = ({ session }: Pick<Client, "session">): SessionSnapshot =>
  useSyncExternalStore(session.subscribe, session.getSnapshot, session.getSnapshot);
