import {
  QueryClient,
  QueryClientProvider,
  useMutation,
  type UseMutationResult,
  useQueryClient,
} from "@tanstack/react-query";
import {
  type Client,
  createClient,
  retryDelay,
  type SessionOptions,
  shouldRetry,
} from "@taskwire/client";
import { createContext, type ReactNode, use } from "react";

interface Backend {
  client: Client;
  queryClient: QueryClient;
}

/** Creates the client, and the cache of what the signed-in user has loaded. */
export const createBackend = (options: SessionOptions): Backend => {
  const queryClient = new QueryClient({
    defaultOptions: { queries: { retry: shouldRetry, retryDelay } },
  });
  const client = createClient({ ...options, onSignedOut: () => queryClient.clear() });
  return { client, queryClient };
};

const ClientContext = createContext<Client | undefined>(undefined);

export const BackendProvider = ({
  backend: { client, queryClient },
  children,
}: {
  backend: Backend;
  children: ReactNode;
}) => (
  <QueryClientProvider client={queryClient}>
    <ClientContext value={client}>{children}</ClientContext>
  </QueryClientProvider>
);

export const useClient = (): Client => {
  const client = use(ClientContext);
  if (client === undefined) throw new Error("useClient needs a BackendProvider above it");
  return client;
};

/**
 * Returns a mutation that is pending until everything on the page has been loaded again.
 * @param scope changes of the same scope are sent one after another
 */
export const useChange = <Input, Output>(
  change: (input: Input) => Promise<Output>,
  { onSuccess, scope }: { onSuccess?: () => void; scope?: string } = {},
): UseMutationResult<Output, Error, Input> => {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () => onSuccess?.(),
    onSettled: () => queryClient.invalidateQueries(),
    ...(scope !== undefined && { scope: { id: scope } }),
  });
};
