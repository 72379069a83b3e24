import { onlineManager, useMutation } from "@tanstack/react-query";
import type { User } from "@taskwire/client";
import { useState, useSyncExternalStore } from "react";
import { useClient } from "./backend.tsx";
import { Dialog } from "./dialog.tsx";
import { ErrorMessage } from "./error-message.tsx";
import { Sessions } from "./sessions.tsx";
import { Tasks } from "./tasks.tsx";

const useIsOnline = () =>
  useSyncExternalStore(
    (listener) => onlineManager.subscribe(listener),
    () => onlineManager.isOnline(),
  );

/** The page of a signed-in user. */
export const SignedIn = ({ user }: { user: User }) => {
  const { session } = useClient();
  const [hasSessions, setHasSessions] = useState(false);
  const signOut = useMutation({ mutationFn: session.signOut, networkMode: "always" });
  const isOnline = useIsOnline();
  return (
    <>
      <header className="bar">
        <p className="brand">Taskwire</p>
        <p className="user" title={user.email}>
          {user.name || user.email}
        </p>
        <button type="button" className="quiet" onClick={() => setHasSessions(true)}>
          Sessions
        </button>
        <button type="button" className="quiet" onClick={() => signOut.mutate()}>
          Sign out
        </button>
      </header>
      <main className="page">
        <p className="offline" role="status" hidden={isOnline}>
          You are offline. Your changes are sent when the connection is back.
        </p>
        <ErrorMessage error={signOut.error} />
        <Tasks />
      </main>
      {hasSessions && (
        <Dialog title="Sessions" onClose={() => setHasSessions(false)}>
          <Sessions />
        </Dialog>
      )}
    </>
  );
};
