import { type AppRouter, createClient } from "@taskwire/client";
import { mockLink } from "@taskwire/client/testing";
import { getUntypedClient, TRPCClientError, type TRPCLink } from "@trpc/client";
import { observable } from "@trpc/server/observable";
import { expect, test } from "vitest";

const tag = { id: 1, name: "Work", color: null, user_id: "a" };
const clientWith = (link: TRPCLink<AppRouter>) => createClient({ url: "", links: [link] });

test("tRPC's libraries get a client that calls procedures by path", async () => {
  const client = clientWith(
    mockLink({ tag: { list: () => [tag], create: ({ name }) => ({ ...tag, name }) } }),
  );
  const untyped = getUntypedClient(client);
  expect(await untyped.query("tag.list")).toEqual([tag]);
  expect(await untyped.mutation("tag.create", { name: "Home" })).toMatchObject({ name: "Home" });
});

test("an async function can return a client", async () => {
  const client = clientWith(mockLink({ tag: { list: () => [tag] } }));
  const returned = await (async () => client)();
  expect(await returned.tag.list.query()).toEqual([tag]);
});

test("a call whose link completes without a result is rejected with tRPC's error", async () => {
  const client = clientWith(() => () => observable((observer) => observer.complete()));
  await expect(client.auth.register.mutate({ email: "", password: "" })).rejects.toThrow(
    TRPCClientError,
  );
});
