/** Programs of an app that has installed the package. They are texts, because the workspace has not installed it. */

/** A page that signs in and out, calls, reads errors, and has a tRPC client of its own. */
export const app = `import {
  type ApiError,
  type AppRouter,
  createClient,
  createSession,
  type ErrorCode,
  errors,
  isApiError,
  isNetworkError,
  type RouterInputs,
  type RouterOutputs,
  SessionError,
  sessionHeaders,
  type Task,
  type TaskPage,
} from "@taskwire/client";
import { useSession } from "@taskwire/client/react";
import { apiError, mockLink } from "@taskwire/client/testing";
import { createTRPCClient, httpBatchLink } from "@trpc/client";
import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";
import { createTRPCContext } from "@trpc/tanstack-react-query";

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only with two equal types. */
export const equal = <A, B>(_: Equal<A, B>): void => {};

type Inputs = inferRouterInputs<AppRouter>;
type Outputs = inferRouterOutputs<AppRouter>;
equal<Inputs["task"]["create"], RouterInputs["task"]["create"]>(true);
equal<Outputs["task"]["list"], RouterOutputs["task"]["list"]>(true);
equal<Outputs["task"]["list"], TaskPage>(true);

export const client = createClient({ url: "" });

export const create = async (input: Inputs["task"]["create"]): Promise<Task> => {
  const task = await client.task.create.mutate(input);
  equal<typeof task, Task>(true);
  equal<typeof task.priority, "low" | "medium" | "high">(true);
  // @ts-expect-error a title is a string
  await client.task.create.mutate({ title: 1 });
  // @ts-expect-error there is no such procedure
  await client.task.rename.mutate({ task_id: 1 });
  return client.task.patch.mutate({ task_id: task.id, completed: true });
};

export const messageOf = (error: unknown): string => {
  if (isApiError(error, "TASK_NOT_FOUND")) {
    const code: ErrorCode = error.data.code;
    const rejected: ApiError = error;
    return code + rejected.data.detail;
  }
  // @ts-expect-error there is no such code
  if (isApiError(error, "NO_SUCH_CODE")) return "";
  if (error instanceof SessionError) return error.reason;
  return isNetworkError(error) ? "offline" : errors.INTERNAL_ERROR.detail;
};

const session = createSession({ url: "/backend", onSignedOut: () => {} });
export const own = createTRPCClient<AppRouter>({
  links: [session.link, httpBatchLink({ url: "/backend/trpc", headers: sessionHeaders })],
});

export const { TRPCProvider, useTRPC } = createTRPCContext<AppRouter>();

export const Account = () => {
  const { status, user } = useSession(client);
  const { queryKey } = useTRPC().task.list.queryOptions({ status: "pending" });
  return <p title={JSON.stringify(queryKey)}>{status === "signedIn" ? user.email : status}</p>;
};

export const mocked = createClient({
  url: "",
  links: [
    mockLink({
      tag: { list: () => [] },
      task: {
        get: ({ task_id }) => {
          equal<typeof task_id, number>(true);
          throw apiError("TASK_NOT_FOUND", { detail: "No task " + task_id });
        },
      },
    }),
  ],
});
`;

/** The queries of TanStack Query. */
export const queries = `import { QueryClient } from "@tanstack/react-query";
import { type AppRouter, retryDelay, shouldRetry, type TaskPage } from "@taskwire/client";
import { createTRPCOptionsProxy } from "@trpc/tanstack-react-query";
import { client, equal } from "./app.js";

const queryClient = new QueryClient({
  defaultOptions: { queries: { retry: shouldRetry, retryDelay } },
});
export const trpc = createTRPCOptionsProxy<AppRouter>({ client, queryClient });

export const tasks = async (): Promise<TaskPage> => {
  const page = await queryClient.fetchQuery(trpc.task.list.queryOptions({ limit: 1 }));
  equal<typeof page, TaskPage>(true);
  return page;
};
export const create = trpc.task.create.mutationOptions({ onSuccess: ({ id }) => equal<typeof id, number>(true) });
`;

/** What each TypeScript is to accept, except for Vite's template, which the test copies. */
export const configurations = {
  bundler: {
    module: "esnext",
    moduleResolution: "bundler",
    lib: ["es2022", "dom"],
    types: [],
    isolatedModules: true,
  },
  nodenext: { module: "nodenext", lib: ["es2022"], types: ["node"], verbatimModuleSyntax: true },
  strictest: {
    module: "preserve",
    moduleResolution: "bundler",
    lib: ["es2022", "dom"],
    types: [],
    verbatimModuleSyntax: true,
  },
};

/** Signs up, creates, lists and signs out, and prints what it saw. */
export const script = `import { createClient, errors, isApiError } from "@taskwire/client";
import { useSession } from "@taskwire/client/react";
import { mockLink } from "@taskwire/client/testing";
import { QueryClient } from "@tanstack/react-query";
import { createTRPCOptionsProxy } from "@trpc/tanstack-react-query";

const client = createClient({ url: process.argv[2] });
const email = \`ada-\${crypto.randomUUID()}@example.com\`;
const user = await client.session.signUp({ email, password: "correct horse battery" });
const { title } = await client.task.create.mutate({ title: "Pack" });
const queryClient = new QueryClient();
const trpc = createTRPCOptionsProxy({ client, queryClient });
const { items } = await queryClient.fetchQuery(trpc.task.list.queryOptions({ limit: 1 }));
await client.session.signOut();
const afterwards = await client.task.list.query().catch((error) => isApiError(error) && error.data.code);

const mock = createClient({ url: "", links: [mockLink({ tag: { list: () => [] } }, { user })] });
console.log(
  JSON.stringify({
    node: process.versions.node.split(".")[0],
    isUser: user.email === email,
    created: title,
    listed: items.map((task) => task.title),
    status: client.session.status,
    afterwards,
    mocked: await mock.tag.list.query(),
    others: [typeof useSession, errors.TASK_NOT_FOUND.detail],
  }),
);
`;

/** The smallest app: what the package may add to a bundle is measured with it. */
export const page = {
  "index.html": `<script type="module" src="./main.ts"></script>\n`,
  "main.ts": `import { createClient, isApiError } from "@taskwire/client";

const client = createClient({ url: "" });
client.task.list.query().then(console.log, (error: unknown) => {
  if (isApiError(error)) console.log(error.data.detail);
});
`,
  // Vite adds it for old browsers to every app, with or without the package.
  "vite.config.js": `export default { build: { modulePreload: { polyfill: false } } };\n`,
};
