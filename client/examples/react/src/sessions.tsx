import { useQuery } from "@tanstack/react-query";
import type { Session } from "@taskwire/client";
import { useChange, useClient } from "./backend.tsx";
import { ErrorMessage } from "./error-message.tsx";

const dateFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** Returns a short name of a device from its User-Agent header. */
const deviceOf = ({ device }: Session): string => {
  const browser = /Firefox|Edg|Chrome|Safari/.exec(device ?? "")?.[0].replace("Edg", "Edge");
  const system = /Windows|Android|iPhone|iPad|Mac OS|Linux/.exec(device ?? "")?.[0];
  return [browser ?? "Unknown browser", system].filter(Boolean).join(" on ");
};

const SessionItem = ({ session }: { session: Session }) => {
  const client = useClient();
  const revoke = useChange((id: string) => client.auth.revokeSession.mutate({ session_id: id }));
  return (
    <li>
      <div>
        <h3 title={session.device ?? ""}>{deviceOf(session)}</h3>
        <p className="hint">
          {session.address}, last used {dateFormat.format(new Date(session.last_used_at))}
        </p>
        <ErrorMessage error={revoke.error} />
      </div>
      {session.current ? (
        <span className="badge">This device</span>
      ) : (
        <button
          type="button"
          aria-label={`Revoke ${deviceOf(session)}`}
          disabled={revoke.isPending}
          onClick={() => revoke.mutate(session.id)}
        >
          Revoke
        </button>
      )}
    </li>
  );
};

/** Where the user is signed in. */
export const Sessions = () => {
  const client = useClient();
  const sessions = useQuery({
    queryKey: ["sessions"],
    queryFn: ({ signal }) => client.auth.listSessions.query(undefined, { signal }),
  });
  const revokeOthers = useChange(() => client.auth.revokeOtherSessions.mutate());
  const hasOthers = sessions.data?.some(({ current }) => !current) ?? false;
  return (
    <>
      {sessions.isPending && <p role="status">Loading…</p>}
      <ErrorMessage error={sessions.error} onRetry={() => void sessions.refetch()} />
      <ErrorMessage error={revokeOthers.error} />
      <ul className="sessions" aria-label="Sessions">
        {sessions.data?.map((session) => (
          <SessionItem key={session.id} session={session} />
        ))}
      </ul>
      {hasOthers && (
        <footer>
          <button type="button" className="danger" onClick={() => revokeOthers.mutate()}>
            Revoke all others
          </button>
        </footer>
      )}
    </>
  );
};
