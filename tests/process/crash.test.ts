import { randomUUID } from "node:crypto";
import { mkdir, watch, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { unpackDatabase } from "../support/data-directory.ts";
import { faces } from "../support/faces.ts";
import { signUp } from "../support/people.ts";
import { launch, serve, temporaryFolder } from "../support/process.ts";

const [rest] = faces;
if (rest === undefined) throw new Error("No face");

const password = "correct horse battery";
const unlimited = { RATE_LIMIT_REGISTER: "1000000", RATE_LIMIT_LOGIN: "1000000" };

/** Registers over and over, four at a time, until the server goes away; tells of each answer that arrived. */
const registerUntilGone = async (url: string, told: (email: string) => void): Promise<void> => {
  const lane = async (): Promise<void> => {
    for (;;) {
      const email = `${randomUUID()}@example.com`;
      try {
        const { status } = await rest.call(url, "auth.register", { email, password });
        if (status === 201) told(email);
      } catch {
        return;
      }
    }
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
};

test("what was answered before a kill -9 is there after it, round after round", async () => {
  const folder = await temporaryFolder();
  await unpackDatabase(folder);
  const acknowledged: string[] = [];
  for (let round = 1; round <= 3; round++) {
    const server = await serve(folder, unlimited);
    const enough = acknowledged.length + 10;
    await registerUntilGone(server.url, (email) => {
      if (acknowledged.push(email) === enough) void server.kill("SIGKILL");
    });
    expect(await server.ended).toEqual({ code: null, signal: "SIGKILL" });
  }
  // A crash in the wrong moment leaves the pid file empty, which PostgreSQL alone would not get over.
  await writeFile(join(folder, ".data/pglite/postmaster.pid"), "");
  const { url } = await serve(folder, unlimited);
  for (const email of acknowledged) {
    const { status } = await rest.call(url, "auth.login", { email, password });
    expect(status).toBe(200);
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(30);
});

/** Ends when a path appears. */
const untilThere = async (folder: string, name: string): Promise<void> => {
  for await (const { filename } of watch(folder)) if (filename === name) return;
};

test("a first start that is killed leaves what the next one can use", async () => {
  const folder = await temporaryFolder();
  const data = join(folder, ".data");
  await mkdir(data);
  // While it makes the files, and when it has just made them: the second start begins anew.
  for (const name of ["pglite.new", "pglite"]) {
    const there = untilThere(data, name);
    const server = launch(folder);
    await there;
    expect(await server.kill("SIGKILL")).toEqual({ code: null, signal: "SIGKILL" });
  }
  // A secret of which only half was written, too.
  await writeFile(join(data, "jwt-secret.new"), "5ec2e7");
  const { url } = await serve(folder);
  await signUp(url);
});
