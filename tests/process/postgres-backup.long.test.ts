import { execFile } from "node:child_process";
import { chmod, chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { expect, onTestFinished, test } from "vitest";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { rest } from "../support/client/transports.ts";
import { blocksOf, partOf, textOf } from "../support/docs/documents.ts";
import { startPostgres, systemBinaries, unprivileged } from "../support/external/postgres.ts";
import { finish, serve, temporaryFolder } from "../support/process/test-process.ts";
import { required } from "../support/setup/required.ts";
import { skipsWithout } from "../support/setup/requirements.ts";
import { secret } from "../support/setup/server.ts";

const run = promisify(execFile);

/** The commands of the documentation. */
const commandsOf = (part: string): string[] =>
  blocksOf(partOf(textOf("docs/operations.md"), part)).map(({ text }) => text);

const skipped = skipsWithout("pg_dump");

/** Starts the system's PostgreSQL with a folder for backups, which its user owns. */
const start = async (settings: (backups: string) => readonly string[] = () => []) => {
  // The tools are of the same version: pg_dump rejects a newer server.
  const binaries = required(systemBinaries(), "PostgreSQL of the system");
  const folder = await temporaryFolder();
  await chmod(folder, 0o755);
  const backups = join(folder, "backups");
  await mkdir(join(backups, "wal"), { recursive: true });
  const { uid, gid } = unprivileged ?? {};
  for (const path of [folder, backups, join(backups, "wal")])
    if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
  const postgres = await startPostgres(50, { binaries, settings: settings(backups) });
  onTestFinished(postgres.stop);
  const data = join(folder, "restored");
  const env = { PATH: `${binaries}:/usr/bin:/bin`, DATABASE_URL: postgres.url };
  const execute = (script: string, more = {}) =>
    run("bash", ["-euc", script], {
      ...unprivileged,
      cwd: folder,
      env: { ...env, BACKUPS: backups, PGDATA: data, ...more },
    });
  return { binaries, folder, postgres, data, execute };
};

const settingsFor = (url: string) => ({ DATABASE_URL: url, JWT_SECRET_KEY: secret });

/** Migrates a database, starts a server on it, and creates a user. */
const serveMigrated = async (url: string) => {
  const folder = await temporaryFolder();
  const env = settingsFor(url);
  expect(await finish("migrate", { folder, env, args: ["up"] })).toMatchObject({ code: 0 });
  const server = await serve(folder, env);
  return { server, user: await signedInUser(server) };
};

/** Starts a server on a restored database, signs in, and returns the number of tasks. */
const tasksAfterSignIn = async (url: string, user: { email: string; password: string }) => {
  const server = await serve(await temporaryFolder(), settingsFor(url));
  const { status, data } = await rest.call(server.url, "auth.login", {
    email: user.email,
    password: user.password,
  });
  expect(status).toBe(200);
  const { access_token: token } = data as { access_token: string };
  const list = await rest.call(server.url, "task.list", {}, { token });
  return (list.data as { total: number }).total;
};

test.skipIf(skipped)(
  "the documented pg_dump and pg_restore copy a database while the server runs, and its users sign in",
  async () => {
    const { postgres, execute } = await start();
    const { user } = await serveMigrated(postgres.url);
    await user.newTask();
    const [dump = "", restore = ""] = commandsOf("pg-dump");
    await execute(dump);
    await user.newTask();
    await execute(restore);
    const restored = postgres.url.replace(/\/[^/]*$/, "/restored");
    expect(await tasksAfterSignIn(restored, user)).toBe(1);
  },
);

test.skipIf(skipped)(
  "the documented point-in-time commands restore the moment before a mistake, and its users sign in",
  async () => {
    const [settings = "", copy = "", restore = ""] = commandsOf("pitr");
    const { postgres, binaries, data, execute } = await start((backups) =>
      [...settings.replaceAll("$BACKUPS", backups).matchAll(/^(\w+) = '?(.*?)'?$/gm)].map(
        ([, name, value]) => `${name}=${value}`,
      ),
    );
    const client = new Client(postgres.url);
    await client.connect();
    const { user } = await serveMigrated(postgres.url);
    await execute(copy);
    await user.newTask();
    const { rows } = await client.query<{ moment: string }>(
      "select clock_timestamp()::text as moment",
    );
    await client.query("delete from tasks");
    await client.query("select pg_switch_wal()");
    await client.end();
    // The shutdown waits until the log is archived.
    await postgres.halt("fast");
    await execute(restore, { MOMENT: rows[0]?.moment });
    const restored = await startPostgres(50, { binaries, data });
    onTestFinished(restored.stop);
    const check = new Client(restored.url);
    await check.connect();
    await expect
      .poll(async () => (await check.query("select pg_is_in_recovery() as busy")).rows)
      .toEqual([{ busy: false }]);
    await check.end();
    expect(await tasksAfterSignIn(restored.url, user)).toBe(1);
  },
);
