import { randomUUID } from "node:crypto";
import type { Face } from "./faces.ts";
import { faces, refreshCookieOf } from "./faces.ts";

export interface Person {
  id: string;
  email: string;
  password: string;
  token: string;
  cookie: string;
}

const [rest] = faces;

/** A new account, signed in through the face. */
export const signUp = async (url: string, face: Face | undefined = rest): Promise<Person> => {
  if (face === undefined) throw new Error("No face");
  const email = `${randomUUID()}@example.com`;
  const password = "correct horse battery";
  const made = await face.call(url, "auth.register", { email, password });
  const signedIn = await face.call(url, "auth.login", { email, password });
  const cookie = refreshCookieOf(signedIn)?.value;
  if (cookie === undefined) throw new Error(`Not signed in: ${made.text} ${signedIn.text}`);
  const { id } = made.data as { id: string };
  const { access_token: token } = signedIn.data as { access_token: string };
  return { id, email, password, token, cookie };
};
