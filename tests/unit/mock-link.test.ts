import { createClient, isApiError } from "@taskwire/client";
import { apiError, mockLink } from "@taskwire/client/testing";
import { describe, expect, test } from "vitest";

const ada = {
  id: "7c0b62a5-9a80-4a3e-a2b7-5d8d8e6a41f0",
  email: "ada@example.com",
  name: "Ada",
  created_at: "2026-11-21T09:30:00.000Z",
};

describe("a client with a mock link", () => {
  const tag = {
    list: () => [{ id: 1, name: "Work", color: null, user_id: ada.id }],
    delete: ({ tag_id }: { tag_id: number }) => {
      throw apiError("TAG_NOT_FOUND", { detail: `No tag ${tag_id}` });
    },
  };

  test("gets what the handlers return and throw", async () => {
    const client = createClient({ url: "", links: [mockLink({ tag }, { user: ada })] });
    expect(await client.tag.list.query()).toEqual(tag.list());
    const error: unknown = await client.tag.delete.mutate({ tag_id: 7 }).catch((e: unknown) => e);
    expect(isApiError(error, "TAG_NOT_FOUND") && error.data).toEqual({
      code: "TAG_NOT_FOUND",
      detail: "No tag 7",
      httpStatus: 404,
    });
  });

  test("is signed in as the user of the mock, until it signs out", async () => {
    const client = createClient({ url: "", links: [mockLink({}, { user: ada })] });
    await client.session.restore();
    expect(client.session.user).toEqual(ada);
    await client.session.signOut();
    expect(client.session.status).toBe("signedOut");
    expect(await client.session.signIn({ email: ada.email, password: "any" })).toEqual(ada);
  });

  test("begins signed out if the mock says so, and signs up and in", async () => {
    const client = createClient({ url: "", links: [mockLink({}, { user: ada, signedOut: true })] });
    await client.session.restore();
    expect(client.session.status).toBe("signedOut");
    expect(await client.session.signUp({ email: ada.email, password: "any" })).toEqual(ada);
    expect(client.session.status).toBe("signedIn");
  });

  test("is signed out without a user, and fails without a handler", async () => {
    const client = createClient({ url: "", links: [mockLink({})] });
    await expect(client.auth.me.query()).rejects.toSatisfy((error) =>
      isApiError(error, "MISSING_TOKEN"),
    );
    expect(client.session.status).toBe("signedOut");
    await expect(client.tag.list.query()).rejects.toThrow("mockLink has no handler for tag.list");
  });
});
