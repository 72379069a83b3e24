import { send } from "../support/client/http.ts";
import { required } from "../support/setup/required.ts";
import type { Operation } from "./operations.ts";
import type { Target } from "./targets.ts";

/** Replaces what differs between two equal requests: new ids, times and tokens. */
const withoutNew = (text: string): string =>
  text
    .replaceAll(/"(?:created_at|updated_at)":"[^"]*"/g, '"time"')
    .replace(/"id":\d+,"title":"Bench/, '"title":"Bench')
    .replace(/"access_token":"[^"]*"/, '"access_token"');

/**
 * Compares the responses of two servers to the same request: a comparison of their speed means nothing if they differ.
 * @throws {Error} with both responses
 */
export const assertIdentical = async (
  operation: Operation,
  first: Target,
  second: Target,
): Promise<void> => {
  const user = required(operation.large === true ? first.users.at(-1) : first.users[0], "a user");
  const { headers, ...request } = operation.request(user, 0);
  const answer = async ({ url, name }: Target): Promise<string> => {
    const all = { authorization: `Bearer ${user.token}`, ...headers };
    const { status, text } = await send(url, { ...request, headers: all });
    if (status >= 300) throw new Error(`${operation.name} on ${name}: ${status} ${text}`);
    return withoutNew(text);
  };
  const [one, other] = [await answer(first), await answer(second)];
  if (one !== other)
    throw new Error(
      `${operation.name}: the responses differ.\n${first.name}: ${one}\n${second.name}: ${other}`,
    );
};
