import { type ErrorCode, tag as tagSchema } from "@taskwire/shared";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SignedInUser, signedInUser } from "../support/client/signed-in-user.ts";
import { expectError } from "../support/client/expect-error.ts";
import { transports } from "../support/client/transports.ts";
import { shortJson } from "../support/setup/short-json.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const emoji = "\u{1F389}";
const sqlText = `'); drop table tags; -- " \\ $1`;

describe.each(transports)("over $name", (transport) => {
  let ada: SignedInUser;
  let tag_id: number;
  beforeAll(async () => {
    ada = await signedInUser(server, { transport });
    ({ id: tag_id } = await ada.newTag("The first"));
  });

  describe("create", () => {
    test("returns the tag with its trimmed name", async () => {
      const response = await ada.call("tag.create", { name: "  Work\u00A0", color: "#FF5733" });
      expect(response.status).toBe(transport.name === "REST" ? 201 : 200);
      expect(response.data).toEqual({
        id: expect.any(Number),
        name: "Work",
        color: "#FF5733",
        user_id: ada.id,
      });
    });

    test("defaults color to null, and ignores id, user_id and tag_id in the input", async () => {
      const input = { name: "Plain", id: 7_777_777, user_id: "x", tag_id: 7_777_777 };
      const response = await ada.call("tag.create", input);
      expect(response.data).toMatchObject({ color: null, user_id: ada.id });
      expect(response.text).not.toContain("7777777");
    });

    test.each(["a", "x".repeat(50), emoji.repeat(50), sqlText, "123", "null"])(
      "accepts the name %j",
      async (name) => {
        expect(await ada.newTag(name)).toMatchObject({ name });
      },
    );

    test.each(["#000000", "#abcdef", "#ABCDEF", null])("accepts the color %j", async (color) => {
      const { data } = await ada.call("tag.create", { name: `In ${color}`, color });
      expect(data).toMatchObject({ color });
    });
  });

  const invalid: [field: string, code: ErrorCode, ...values: unknown[]][] = [
    ["name", "INVALID_TAG_NAME", "", "  ", "\u00A0", "\u3000", "\u200B", "x".repeat(51)],
    ["name", "INVALID_TAG_NAME", emoji.repeat(51)],
    ["name", "VALIDATION_ERROR", undefined, null, 5, ["a"], {}, "a\0b", "\uD800"],
    ["color", "INVALID_COLOR", "red", "#fff", "#GGGGGG", "", "FF5733", " #FF5733", "#FF5733\n"],
    ["color", "INVALID_COLOR", "#FF57333", "#\uFF26F5733", "rgb(1,2,3)"],
    ["color", "VALIDATION_ERROR", 5, true, ["#FF5733"], {}, "\0"],
  ];
  test.each(
    invalid.flatMap(([field, code, ...values]) =>
      values.map((value) => [field, shortJson(value), code, value] as const),
    ),
  )("create and update reject %s %s: %s", async (field, _, code, value) => {
    const input = { tag_id, name: "Good", [field]: value };
    for (const procedure of ["tag.create", "tag.update"]) {
      const response = await ada.call(procedure, input);
      expectError(response, code === "VALIDATION_ERROR" ? 422 : 400, code, field);
    }
  });

  test("reports the first invalid field in the schema's order", async () => {
    const response = await ada.call("tag.create", { color: "red", name: "" });
    expectError(response, 400, "INVALID_TAG_NAME", "name");
    const invalidId = transport.name === "REST" ? "x" : "1";
    const wrongId = await ada.call("tag.update", { tag_id: invalidId, color: "red" });
    expectError(wrongId, 422, "VALIDATION_ERROR", "tag_id");
  });

  describe("name", () => {
    test("is unique per user, compared exactly after trimming: TAG_ALREADY_EXISTS", async () => {
      const [one, other] = [
        await signedInUser(server, { transport }),
        await signedInUser(server, { transport }),
      ];
      await one.newTag("Work");
      expectError(
        await one.call("tag.create", { name: " Work " }),
        400,
        "TAG_ALREADY_EXISTS",
        "name",
      );
      for (const name of ["work", "WORK", "Work.", "Wo rk", "Wörk", "Wo\u0308rk"]) {
        expect(await one.newTag(name)).toMatchObject({ name });
      }
      expect(await other.newTag("Work")).toMatchObject({ name: "Work", user_id: other.id });
    });

    test("update to another tag's name: TAG_ALREADY_EXISTS; to its own: unchanged; a former name is free", async () => {
      const eve = await signedInUser(server, { transport });
      const [first, second] = [await eve.newTag("First"), await eve.newTag("Second")];
      const taken = await eve.call("tag.update", { tag_id: second.id, name: "First" });
      expectError(taken, 400, "TAG_ALREADY_EXISTS", "name");
      const same = await eve.call("tag.update", { tag_id: first.id, name: "First" });
      expect(same.data).toEqual(first);
      await eve.call("tag.update", { tag_id: first.id, name: "Renamed" });
      expect(await eve.newTag("First")).toMatchObject({ name: "First" });
      await eve.call("tag.delete", { tag_id: second.id });
      expect(await eve.newTag("Second")).not.toMatchObject({ id: second.id });
    });
  });

  test("list returns all of the user's tags, oldest first, or an empty list", async () => {
    const eve = await signedInUser(server, { transport });
    expect((await eve.call("tag.list")).data).toEqual([]);
    const created = [];
    for (const name of ["Zebra", "apple", "Middle"]) created.push(await eve.newTag(name));
    const { status, data, headers } = await eve.call("tag.list");
    expect(status).toBe(200);
    expect(data).toEqual(created);
    expect(headers.get("cache-control")).toBe("no-store");
  });

  test("update replaces name and color; an absent color becomes null", async () => {
    const full = await ada.call("tag.update", { tag_id, name: " After ", color: "#123456" });
    expect(full).toMatchObject({ status: 200, data: { id: tag_id, name: "After" } });
    const colors = [];
    for (const color of [undefined, "#654321", null]) {
      const { data } = await ada.call("tag.update", { tag_id, name: "After", color });
      colors.push(tagSchema.parse(data).color);
    }
    expect(colors).toEqual([null, "#654321", null]);
  });

  test("delete removes the tag from its tasks, keeps tasks and other tags; a second delete: TAG_NOT_FOUND", async () => {
    const eve = await signedInUser(server, { transport });
    const [deleted, kept] = [await eve.newTag("Gone"), await eve.newTag("Kept")];
    const task = await eve.newTask();
    for (const { id } of [deleted, kept])
      await eve.call("task.addTag", { task_id: task.id, tag_id: id });
    const response = await eve.call("tag.delete", { tag_id: deleted.id });
    expect(response.status).toBe(transport.name === "REST" ? 204 : 200);
    expect(response.data).toBeUndefined();
    expect(await eve.task(task.id)).toEqual({ ...task, tags: [kept] });
    for (const procedure of ["tag.update", "tag.delete"]) {
      const again = await eve.call(procedure, { tag_id: deleted.id, name: "Again" });
      expectError(again, 404, "TAG_NOT_FOUND");
    }
    await eve.call("task.delete", { task_id: task.id });
    expect((await eve.call("tag.list")).data).toEqual([kept]);
  });

  test("a create that is rejected takes no id: the next one gets the id after the last", async () => {
    const [eve, deleted] = [
      await signedInUser(server, { transport }),
      await signedInUser(server, { transport }),
    ];
    await server.deps.orm.em.fork().execute("delete from users where id = ?", [deleted.id]);
    const last = await eve.newTag("Taken");
    for (let i = 0; i < 3; i++) {
      const taken = await eve.call("tag.create", { name: "Taken", color: "#123456" });
      expectError(taken, 400, "TAG_ALREADY_EXISTS", "name");
      expectError(await deleted.call("tag.create", { name: "New" }), 401, "INVALID_TOKEN");
    }
    expect(await eve.newTag("Free")).toMatchObject({ id: last.id + 1 });
  });

  const absentIds: unknown[] =
    transport.name === "REST"
      ? ["0", "-1", "2147483647", "2147483648", "9223372036854775808", `1${"0".repeat(40)}`]
      : [0, -1, 2_147_483_647, 2_147_483_648, 1e30];
  test.each(absentIds)(
    "update and delete of %s, an id that no tag has: TAG_NOT_FOUND",
    async (id) => {
      for (const procedure of ["tag.update", "tag.delete"]) {
        expectError(await ada.call(procedure, { tag_id: id, name: "A" }), 404, "TAG_NOT_FOUND");
      }
    },
  );

  const invalidIds: unknown[] =
    transport.name === "REST"
      ? ["abc", "1e2", "0x10", "1.0", "+1", " 1", "\u0661", "a".repeat(101)]
      : [1.5, "1", null, undefined];
  test.each(invalidIds)(
    "update and delete of %s, not an integer: VALIDATION_ERROR before any other field",
    async (id) => {
      for (const procedure of ["tag.update", "tag.delete"]) {
        const response = await ada.call(procedure, { tag_id: id, name: "" });
        expectError(response, 422, "VALIDATION_ERROR", "tag_id");
      }
    },
  );
});
