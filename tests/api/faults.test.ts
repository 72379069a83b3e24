import { openPostgres } from "@taskwire/server/db/postgres.ts";
import { afterEach, describe, expect, test } from "vitest";
import { expectError } from "../support/client/expect-error.ts";
import { transports } from "../support/client/transports.ts";
import { freePort } from "../support/process/free-port.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { startServer, type TestServer } from "../support/setup/server.ts";

let server: TestServer;
afterEach(() => server.close());

const credentials = { email: "a@example.com", password: "correct horse" };

describe.each(transports)("over $name", (transport) => {
  test("dropped table: INTERNAL_ERROR without details for the client, the whole SQL error in the log", async () => {
    server = await startServer();
    const { token } = await signedInUser(server);
    await server.deps.orm.em.fork().execute("drop table users cascade");
    const response = await transport.call(server.url, "auth.me", undefined, { token });
    expectError(response, 500, "INTERNAL_ERROR");
    expect(response.text).not.toMatch(/users|relation|select/i);
    const id = response.headers.get("x-request-id");
    const line = server.log.find(({ request_id, level }) => request_id === id && level === "error");
    expect(JSON.stringify(line)).toContain('relation \\"users\\" does not exist');
    expect(JSON.stringify(line)).toContain("42P01");
  });

  test("violated unknown constraint: INTERNAL_ERROR; the log names the constraint, not the row's values", async () => {
    server = await startServer();
    await server.deps.orm.em
      .fork()
      .execute("alter table users add constraint none check (email is null)");
    const response = await transport.call(server.url, "auth.register", credentials);
    expectError(response, 500, "INTERNAL_ERROR");
    const log = JSON.stringify(server.log);
    expect(log).toContain('"constraint":"none"');
    for (const value of ["$argon2id$", credentials.email, credentials.password])
      expect(log).not.toContain(value);
  });

  test("sequence of one table at its end: 503 with the cause in the log; other tables and taken names work as before", async () => {
    server = await startServer();
    const ada = await signedInUser(server, { transport });
    await ada.newTag("Taken");
    await server.deps.orm.em.fork().execute("select setval('tags_id_seq', 2147483647)");
    const response = await ada.call("tag.create", { name: "New" });
    expectError(response, 503, "SERVICE_UNAVAILABLE");
    expect(response.headers.get("retry-after")).toBe("1");
    expect(response.text).not.toMatch(/sequence|tags/);
    const id = response.headers.get("x-request-id");
    const line = server.log.find(({ request_id, level }) => request_id === id && level === "warn");
    expect(JSON.stringify(line)).toContain("2200H");
    expect(JSON.stringify(line)).toContain("tags_id_seq");
    const taken = await ada.call("tag.create", { name: "Taken" });
    expectError(taken, 400, "TAG_ALREADY_EXISTS", "name");
    await ada.newTask();
    expect((await ada.call("tag.list")).data).toMatchObject([{ name: "Taken" }]);
  });

  test("unreachable database: 503 with Retry-After; the log gives the reason without the password", async () => {
    const port = await freePort();
    const orm = await openPostgres(`postgresql://u:hidden-password@127.0.0.1:${port}/x`, {
      poolMin: 0,
      poolMax: 2,
    });
    server = await startServer({ orm });
    const response = await transport.call(server.url, "auth.login", credentials);
    expectError(response, 503, "SERVICE_UNAVAILABLE");
    expect(response.headers.get("retry-after")).toBe("1");
    expect(response.text).not.toMatch(/ECONNREFUSED|127\.0\.0\.1/);
    expect(JSON.stringify(server.log)).toContain("ECONNREFUSED");
    expect(JSON.stringify(server.log)).not.toContain("hidden-password");
  });
});

test("readiness is 503 while migrations are pending and while the migrations table is missing", async () => {
  server = await startServer();
  const ready = async () => {
    server.clock.advance(1);
    const response = await fetch(`${server.url}/health/ready`);
    return { status: response.status, body: await response.json() };
  };
  const checks = { database: "ok", migrations: "pending", draining: false };
  const pending = { status: 503, body: { status: "unavailable", checks } };
  expect(await ready()).toMatchObject({ status: 200 });
  await server.deps.orm.em.fork().execute("delete from migrations");
  expect(await ready()).toEqual(pending);
  await server.deps.orm.em.fork().execute("drop table migrations");
  expect(await ready()).toEqual(pending);
});
