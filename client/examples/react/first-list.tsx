import { createClient, retryDelay, shouldRetry } from "@taskwire/client";
import { useSession } from "@taskwire/client/react";
import { QueryClient, QueryClientProvider, useMutation, useQuery } from "@tanstack/react-query";
import type { SubmitEvent } from "react";

const queryClient = new QueryClient({
  defaultOptions: { queries: { retry: shouldRetry, retryDelay } },
});
const client = createClient({
  url: "http://localhost:8000",
  onSignedOut: () => queryClient.clear(),
});

const text = (form: FormData, name: string) => {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
};

function SignIn() {
  const enter = useMutation({
    mutationFn: (form: FormData) => {
      const account = { email: text(form, "email"), password: text(form, "password") };
      return form.has("register") ? client.session.signUp(account) : client.session.signIn(account);
    },
  });
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    enter.mutate(new FormData(event.currentTarget, event.nativeEvent.submitter));
  };
  return (
    <form onSubmit={submit}>
      <input name="email" type="email" aria-label="Email" required />
      <input name="password" type="password" aria-label="Password" required />
      <button>Sign in</button>
      <button name="register">Sign up</button>
      {enter.error && <p role="alert">{enter.error.message}</p>}
    </form>
  );
}

function Tasks() {
  const tasks = useQuery({
    queryKey: ["tasks"],
    queryFn: ({ signal }) => client.task.list.query({ sort: "-created_at" }, { signal }),
  });
  const create = useMutation({
    mutationFn: (form: FormData) => client.task.create.mutate({ title: text(form, "title") }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["tasks"] }),
  });
  const error = create.error ?? tasks.error;
  return (
    <>
      <form action={(form) => create.mutate(form)}>
        <input name="title" aria-label="Title" required maxLength={200} />
        <button>Add</button>
      </form>
      {error && <p role="alert">{error.message}</p>}
      <ul>
        {tasks.data?.items.map((task) => (
          <li key={task.id}>{task.title}</li>
        ))}
      </ul>
      <button onClick={() => void client.session.signOut()}>Sign out</button>
    </>
  );
}

function Page() {
  const { status, user, error } = useSession(client);
  if (status === "restoring") return <p>{error instanceof Error ? error.message : "Loading…"}</p>;
  return status === "signedOut" ? <SignIn /> : <Tasks key={user.id} />;
}

export default function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <Page />
    </QueryClientProvider>
  );
}
