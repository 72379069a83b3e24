import { createClient, retryDelay, shouldRetry } from "@taskwire/client";
import { useSession } from "@taskwire/client/react";
import { QueryClient, QueryClientProvider, useMutation, useQuery } from "@tanstack/react-query";

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

function SignUp() {
  const signUp = useMutation({
    mutationFn: (form: FormData) =>
      client.session.signUp({ email: text(form, "email"), password: text(form, "password") }),
  });
  return (
    <form action={(form) => signUp.mutate(form)}>
      <input name="email" type="email" aria-label="Email" required />
      <input name="password" type="password" aria-label="Password" required />
      <button>Sign up</button>
      {signUp.error && <p role="alert">{signUp.error.message}</p>}
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
  return (
    <>
      <form action={(form) => create.mutate(form)}>
        <input name="title" aria-label="Title" required maxLength={200} />
        <button>Add</button>
      </form>
      {tasks.error && <p role="alert">{tasks.error.message}</p>}
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
  const { status, user } = useSession(client);
  if (status === "restoring") return <p>Loading…</p>;
  return status === "signedOut" ? <SignUp /> : <Tasks key={user.id} />;
}

export default function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <Page />
    </QueryClientProvider>
  );
}
