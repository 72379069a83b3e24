import { randomUUID } from "node:crypto";
import type { Transport } from "./transports.ts";
import { transports, refreshCookieOf } from "./transports.ts";

export interface Person {
  id: string;
  email: string;
  password: string;
  token: string;
  cookie: string;
}

const [rest] = transports;

/** A new account, signed in through the transport. */
export const signUp = async (
  url: string,
  transport: Transport | undefined = rest,
): Promise<Person> => {
  if (transport === undefined) throw new Error("No transport");
  const email = `${randomUUID()}@example.com`;
  const password = "correct horse battery";
  const made = await transport.call(url, "auth.register", { email, password });
  const signedIn = await transport.call(url, "auth.login", { email, password });
  const cookie = refreshCookieOf(signedIn)?.value;
  if (cookie === undefined) throw new Error(`Not signed in: ${made.text} ${signedIn.text}`);
  const { id } = made.data as { id: string };
  const { access_token: token } = signedIn.data as { access_token: string };
  return { id, email, password, token, cookie };
};
