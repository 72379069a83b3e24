import { randomUUID } from "node:crypto";
import type { AppRouter } from "@taskwire/client";
import { createTRPCClient, httpBatchLink, TRPCClientError } from "@trpc/client";

const [url = "http://127.0.0.1:8000"] = process.argv.slice(2);

let accessToken: string | undefined;
/** A browser keeps the refresh token's cookie by itself; in Node the script does. */
let cookie: string | undefined;

const client = createTRPCClient<AppRouter>({
  links: [
    httpBatchLink({
      url: `${url}/trpc`,
      headers: () => ({
        ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }),
        ...(cookie === undefined ? {} : { cookie }),
      }),
      fetch: async (input, init) => {
        const response = await fetch(input, { ...init, signal: init?.signal ?? null });
        for (const line of response.headers.getSetCookie()) [cookie] = line.split(";", 1);
        return response;
      },
    }),
  ],
});

const isRefusal = (error: unknown): error is TRPCClientError<AppRouter> =>
  error instanceof TRPCClientError;

const email = `ada-${randomUUID()}@example.com`;
const password = "correct horse battery";

const user = await client.auth.register.mutate({ email, password, name: "Ada" });
console.log(`Registered ${user.name} as ${user.email}`);

({ access_token: accessToken } = await client.auth.login.mutate({ email, password }));
console.log("Signed in");

const profile = await client.auth.me.query();
console.log(`Profile: ${profile.name}, here since ${profile.created_at}`);

({ access_token: accessToken } = await client.auth.refresh.mutate());
console.log("Refreshed the access token with the cookie");

const { message } = await client.auth.logout.mutate();
console.log(message);

try {
  await client.auth.login.mutate({ email, password: "wrong password" });
} catch (error) {
  // The codes of the error table are a union type: a misspelt one does not compile.
  if (!isRefusal(error) || error.data?.code !== "INVALID_CREDENTIALS") throw error;
  console.log(`A wrong password: ${error.data.code}, "${error.data.detail}"`);
}
