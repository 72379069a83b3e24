import { useMutation } from "@tanstack/react-query";
import { useSession } from "@taskwire/client/react";
import { useClient } from "./backend.tsx";
import { ErrorMessage } from "./error-message.tsx";
import { SignInForm } from "./sign-in-form.tsx";
import { SignedIn } from "./signed-in.tsx";

export const App = () => {
  const client = useClient();
  const { status, user, error } = useSession(client);
  const retry = useMutation({ mutationFn: client.session.restore });
  // The key replaces the page when another tab signs in as another user.
  if (status === "signedIn") return <SignedIn key={user.id} user={user} />;
  if (status === "signedOut") return <SignInForm />;
  return (
    <main className="centred">
      {error === undefined ? (
        <p className="spinner" role="status">
          Loading…
        </p>
      ) : (
        <div className="card">
          <p className="brand">Taskwire</p>
          <ErrorMessage error={error} onRetry={() => retry.mutate()} />
        </div>
      )}
    </main>
  );
};
