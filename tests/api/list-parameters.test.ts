import type { ErrorCode } from "@taskwire/shared";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type SignedInUser, signedInUser } from "../support/client/signed-in-user.ts";
import { expectError } from "../support/client/expect-error.ts";
import { transports } from "../support/client/transports.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";
import { shortJson } from "../support/setup/short-json.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

describe.each(transports)("over $name", (transport) => {
  let ada: SignedInUser;
  beforeAll(async () => {
    ada = await signedInUser(server, { transport });
  });

  const invalidParameters: [name: string, code: ErrorCode, ...values: unknown[]][] = [
    ...["page", "limit"].map((name): (typeof invalidParameters)[number] =>
      transport.name === "REST"
        ? [
            name,
            "INVALID_PAGINATION",
            "0",
            "-1",
            "1.5",
            "",
            "abc",
            "1e2",
            " 1",
            "+1",
            "0x1",
            "\u0661",
            "null",
          ]
        : [name, "INVALID_PAGINATION", 0, -1, 1.5, -1e30],
    ),
    [
      "q",
      "VALIDATION_ERROR",
      "\0",
      "a\0b",
      "x".repeat(101),
      "\u{1F389}".repeat(101),
      " ".repeat(101),
    ],
    ["status", "INVALID_STATUS", "ALL", "done", "", "constructor", "all "],
    ["priority", "INVALID_PRIORITY", "HIGH", "urgent", "", "1"],
    ["tag", "VALIDATION_ERROR", "\0"],
    [
      "sort",
      "INVALID_SORT_FIELD",
      "",
      "password_hash",
      "user.email",
      "--title",
      "+title",
      "Title",
      "constructor",
    ],
    ["sort", "INVALID_SORT_FIELD", "id", "title desc", "title,id", "title; drop table tasks", "-"],
    ...(transport.name === "REST"
      ? []
      : ["page", "limit", "q", "status", "priority", "tag", "sort", "cursor"].map(
          (name): (typeof invalidParameters)[number] => [
            name,
            "VALIDATION_ERROR",
            true,
            ["1"],
            { a: 1 },
          ],
        )),
    ...(transport.name === "REST"
      ? []
      : [
          [
            "cursor",
            "VALIDATION_ERROR",
            "x",
            "x".repeat(2049),
          ] as (typeof invalidParameters)[number],
        ]),
    ...(transport.name === "REST"
      ? []
      : ["page", "limit", "q", "status", "priority", "tag", "sort"].map(
          (name): (typeof invalidParameters)[number] => [name, "VALIDATION_ERROR", null],
        )),
  ];
  test.each(
    invalidParameters.flatMap(([name, code, ...values]) =>
      values.map((value) => [name, shortJson(value), code, value] as const),
    ),
  )("%s = %s returns %s", async (name, _, code, value) => {
    const response = await ada.call("task.list", { [name]: value });
    expectError(response, code === "VALIDATION_ERROR" ? 422 : 400, code, name);
  });

  test("q of 100 code points finds a task, and a tag name over 50 code points finds none", async () => {
    const q = "\u{1F389}".repeat(100);
    const task = await ada.newTask({ title: q });
    const tag = await ada.newTag("\u{1F389}".repeat(50));
    await ada.call("task.addTag", { task_id: task.id, tag_id: tag.id });
    expect((await ada.page({ q })).items).toMatchObject([{ id: task.id }]);
    expect((await ada.page({ tag: tag.name })).items).toMatchObject([{ id: task.id }]);
    for (const other of [`${tag.name}x`, tag.name.repeat(2), "x".repeat(2000)])
      expect(await ada.page({ tag: other })).toMatchObject({ items: [], total: 0 });
  });

  test("several invalid parameters: the error names the first in the schema's order", async () => {
    const invalid = {
      sort: "x",
      priority: "x",
      status: "x",
      limit: transport.name === "REST" ? "0" : 0,
    };
    expectError(await ada.call("task.list", invalid), 400, "INVALID_PAGINATION", "limit");
    const { limit: _, ...withoutLimit } = invalid;
    expectError(await ada.call("task.list", withoutLimit), 400, "INVALID_STATUS", "status");
  });
});

describe("over REST", () => {
  let token: string;
  beforeEach(async () => {
    const ada = await signedInUser(server);
    ({ token } = ada);
    await ada.newTask();
  });
  const get = async (query: string) => {
    const response = await fetch(`${server.url}/api/v1/tasks?${query}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  test.each([
    "page=1&page=2",
    "limit=1&limit=1",
    "page[]=1",
    "page[$gt]=1",
    "limit%5B%5D=1",
    "q=a&q=b",
    "q[]=a",
    "status=all&status=all",
    "priority=low&priority=high",
    "tag=1&tag=2",
    "tag[a]=1",
    "sort=title&sort=-title",
  ])("a repeated or nested parameter returns VALIDATION_ERROR: %s", async (query) => {
    const { status, body } = await get(query);
    const field = /^\w+/.exec(query)?.[0];
    expect({ status, ...body }).toMatchObject({ status: 422, code: "VALIDATION_ERROR", field });
  });

  test.each(["cursor=nonsense", "cursor=", "nonsense=1", "user_id=1&id=2", "", "&&="])(
    "unknown and empty query parts are ignored: %s",
    async (query) => {
      const { status, body } = await get(query);
      expect(status).toBe(200);
      expect(Object.keys(body)).toEqual(["items", "total", "page", "limit", "pages"]);
      expect(body).toMatchObject({ items: [{ title: "A task" }], total: 1, page: 1, limit: 20 });
    },
  );

  test("a text with a malformed escape in q is searched as it is", async () => {
    const ada = await signedInUser(server);
    const titles = ["%E0%A4%A", "100%ZZ"];
    for (const title of ["A task", ...titles]) await ada.newTask({ title });
    ({ token } = ada);
    for (const [i, q] of ["%E0%A4%A", "%ZZ"].entries())
      expect((await get(`q=${q}`)).body).toMatchObject({ items: [{ title: titles[i] }], total: 1 });
  });
});
