import { randomBytes, randomUUID } from "node:crypto";
import { proceduresOf } from "@taskwire/server/rpc/meta.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { expect, onTestFinished, test } from "vitest";
import { send } from "../support/client/http.ts";
import { refreshCookieOf, type Transport, transports } from "../support/client/transports.ts";
import { openSession } from "../support/external/sql-session.ts";
import { freePort } from "../support/process/free-port.ts";
import { secretsIn } from "../support/process/secret-forms.ts";
import { launch, serve, temporaryFolder } from "../support/process/test-process.ts";
import { clonePostgres } from "../support/setup/database.ts";

/** Every secret that the test has used, by what it is. */
const secrets = new Map<string, string>();

/** Adds a secret. Characters that each encoding changes in its own way are part of it. */
const newSecret = (name: string, characters = ' %&+/"é'): string => {
  const text = `${randomBytes(9).toString("hex")}${characters}${randomBytes(9).toString("hex")}`;
  secrets.set(`${name} (${secrets.size})`, text);
  return text;
};

const hexSecret = (name: string): string => newSecret(name, "");

interface Client {
  url: string;
  transport: Transport;
  email: string;
  password: string;
  token: string;
  cookie: string;
}

/** Notes the tokens of a response as secrets. */
const noteTokens = (
  name: string,
  { data, ...response }: Awaited<ReturnType<Transport["call"]>>,
) => {
  const { access_token: token = "" } = (data ?? {}) as { access_token?: string };
  const cookie = refreshCookieOf({ ...response, data })?.value ?? "";
  for (const [kind, text] of Object.entries({ token, cookie })) {
    if (text === "") continue;
    secrets.set(`${name} ${kind}`, text);
    // A part of a token is no secret where all tokens have it.
    secrets.set(`${name} ${kind}'s signature`, text.split(".")[2] ?? text);
  }
  return { token, cookie };
};

/** Calls every procedure, and returns each with its status. The last calls end the session and delete the account. */
const callAll = async (client: Client): Promise<[procedure: string, status: number][]> => {
  const { url, transport, email, password } = client;
  const name = `${transport.name} ${randomUUID()}`;
  const statuses: [string, number][] = [];
  const call = async (procedure: string, input?: unknown) => {
    const { token, cookie } = client;
    const response = await transport.call(url, procedure, input, { token, cookie });
    statuses.push([procedure, response.status]);
    const fresh = noteTokens(`${name} ${procedure}`, response);
    if (fresh.token !== "") Object.assign(client, fresh);
    return response;
  };
  const idOf = ({ data }: { data: unknown }) => (data as { id?: number } | undefined)?.id ?? 1;
  await call("auth.register", { email, password, name: newSecret("the user's name") });
  await call("auth.login", { email, password: newSecret("wrong password") });
  await call("auth.login", { email, password });
  await call("auth.refresh");
  await call("auth.me");
  await call("auth.listSessions");
  await call("auth.revokeSession", { session_id: randomUUID() });
  await call("auth.revokeOtherSessions");
  const fields = { title: newSecret("title"), description: newSecret("description") };
  const task_id = idOf(await call("task.create", fields));
  const tag_id = idOf(await call("tag.create", { name: newSecret("tag", " %é").slice(0, 40) }));
  await call("task.list", { q: newSecret("search", " %é") });
  await call("task.get", { task_id });
  await call("task.update", { task_id, ...fields, completed: true, priority: "low" });
  await call("task.patch", { task_id, description: newSecret("new description") });
  await call("task.addTag", { task_id, tag_id });
  await call("task.removeTag", { task_id, tag_id });
  await call("tag.list");
  await call("tag.update", { tag_id, name: hexSecret("tag's new name") });
  await call("tag.delete", { tag_id });
  await call("task.delete", { task_id });
  const new_password = newSecret("new password");
  await call("auth.changePassword", { current_password: newSecret("wrong old"), new_password });
  await call("auth.changePassword", { current_password: password, new_password });
  await call("auth.logout");
  await call("auth.login", { email, password: new_password });
  await call("auth.deleteAccount", { password: newSecret("wrong confirmation") });
  await call("auth.deleteAccount", { password: new_password });
  return statuses;
};

const newClient = (url: string, transport: Transport): Client => {
  const local = hexSecret("e-mail address");
  return {
    url,
    transport,
    email: `${local}@example.com`,
    password: newSecret("password"),
    token: "",
    cookie: "",
  };
};

/** Sends requests that are wrong in each way that a client has, each with a secret where the mistake is. */
const sendMistakes = async (url: string, transport: Transport): Promise<void> => {
  const headers = () => ({
    authorization: `Bearer ${newSecret("invalid token", "")}`,
    cookie: `refresh_token=${hexSecret("invalid cookie")}; other=${hexSecret("other cookie")}`,
    "user-agent": newSecret("user agent", ""),
    "x-api-key": hexSecret("unknown header"),
  });
  for (const [procedure] of proceduresOf(appRouter)) {
    const valid = transport.request(procedure, { task_id: 1, tag_id: 1, session_id: randomUUID() });
    const json = { ...headers(), "content-type": "application/json" };
    const bodies = [
      `{"password":"${hexSecret("password in broken JSON")}"`,
      JSON.stringify({ email: hexSecret("email"), password: [newSecret("password in a list")] }),
      JSON.stringify({ password: { text: newSecret("password in an object") } }),
      JSON.stringify(newSecret("password as the body")),
      `password=${hexSecret("password in a form")}`,
    ];
    const isGet = valid.method === "GET";
    for (const body of isGet ? [undefined] : bodies) {
      await send(url, { ...valid, headers: json, body });
      await send(url, { ...valid, headers: { ...headers(), "content-type": "text/plain" }, body });
      const form = { ...headers(), "content-type": "application/x-www-form-urlencoded" };
      await send(url, { ...valid, headers: form, body });
    }
    const path = valid.path.split("?", 1).join();
    const query = new URLSearchParams({
      input: newSecret("input"),
      token: newSecret("in a query"),
    });
    await send(url, {
      method: valid.method,
      path: `${path}?${query.toString()}`,
      headers: headers(),
    });
    await send(url, { method: "GET", path: `${path}/${hexSecret("path")}`, headers: headers() });
    await send(url, { method: "PUT", path: `${path},${hexSecret("name")}`, headers: headers() });
  }
  const basic = Buffer.from(`user:${newSecret("basic password")}`).toString("base64");
  const authorization = `Basic ${basic}`;
  await send(url, { method: "GET", path: "/api/v1/auth/me", headers: { authorization } });
  await send(url, { method: "GET", path: `/%zz/${hexSecret("bad URL")}`, headers: headers() });
};

test("no log line has a secret or a text of a user, at the level trace, whatever fails", async () => {
  const database = await clonePostgres();
  onTestFinished(database.drop);
  const withPassword = new URL(database.url);
  // The server of the tests accepts any password.
  withPassword.password = hexSecret("database password");
  const env = {
    DATABASE_URL: withPassword.href,
    REDIS_URL: `redis://:${hexSecret("Redis password")}@127.0.0.1:${await freePort()}`,
    JWT_SECRET_KEY: randomBytes(32).toString("hex"),
    LOG_LEVEL: "trace",
    RATE_LIMIT_LOGIN: "100000",
    RATE_LIMIT_REGISTER: "100000",
    RATE_LIMIT_REFRESH: "100000",
  };
  secrets.set("signing secret", env.JWT_SECRET_KEY);
  const folder = await temporaryFolder();
  const server = await serve(folder, env);
  const { url } = server;

  const every = new Set(proceduresOf(appRouter).map(([name]) => name));
  const broken: Client[] = [];
  for (const transport of transports) {
    const statuses = await callAll(newClient(url, transport));
    const succeeded = statuses.filter(([, status]) => status < 300).map(([name]) => name);
    expect(new Set(succeeded)).toEqual(every);
    await sendMistakes(url, transport);
    const client = newClient(url, transport);
    const { email, password } = client;
    await transport.call(url, "auth.register", { email, password });
    const signedIn = await transport.call(url, "auth.login", { email, password });
    Object.assign(client, noteTokens(`${transport.name} broken`, signedIn));
    broken.push(client);
  }

  const sql = await openSession(database.url);
  onTestFinished(() => sql.end());
  for (const table of ["sessions", "tasks", "tags", "users"])
    await sql.query(`alter table ${table} rename to broken_${table}`);
  for (const client of broken) {
    const failed = (await callAll(client)).filter(([, status]) => status === 500);
    expect(new Set(failed.map(([name]) => name))).toEqual(every);
  }

  // Its line is the last one.
  await send(url, { method: "GET", path: "/api/v1/end", headers: { "x-request-id": "the-end" } });
  await server.until(/the-end/);
  const { stdout, stderr } = server;
  expect(stdout.split('"level":"error"').length).toBeGreaterThan(2 * every.size);
  for (const name of every) expect(stdout).toContain(`"procedure":"${name}"`);
  expect(secrets.size).toBeGreaterThan(500);
  expect(secretsIn(stdout + stderr, secrets)).toEqual([]);
});

test.each([
  ["a database that does not respond", {}],
  ["an invalid setting", { JWT_SECRET_KEY: newSecret("short secret", "") }],
  ["an invalid URL", { REDIS_URL: `redis://:${newSecret("Redis password", "")}@` }],
])("a start that fails because of %s prints no secret", async (_, invalid) => {
  const password = hexSecret("database password");
  const env = {
    DATABASE_URL: `postgresql://user:${password}@127.0.0.1:${await freePort()}/taskwire`,
    JWT_SECRET_KEY: randomBytes(32).toString("hex"),
    LOG_LEVEL: "trace",
    ...invalid,
  };
  secrets.set("signing secret of the failed start", env.JWT_SECRET_KEY);
  const server = launch(await temporaryFolder(), env);
  expect(await server.exited).toMatchObject({ code: 1 });
  expect(server.stderr).not.toBe("");
  expect(secretsIn(server.stdout + server.stderr, secrets)).toEqual([]);
});

test.each([
  (text: string) => text,
  (text: string) => JSON.stringify({ text }),
  encodeURIComponent,
  (text: string) => new URLSearchParams({ text }).toString(),
  (text: string) => Buffer.from(text).toString("base64"),
  (text: string) => Buffer.from(`u:${text}:x`).toString("base64url"),
  (text: string) => Buffer.from(`us:${text}`).toString("base64"),
])("a secret is found in the output of %s", (encode) => {
  const secret = newSecret("sample");
  expect(secretsIn(`before ${encode(secret)} after`, new Map([["it", secret]]))).not.toEqual([]);
});
