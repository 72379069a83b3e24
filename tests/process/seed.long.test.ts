import { expect, test } from "vitest";
import { finish, serve, temporaryFolder } from "../support/process/test-process.ts";

test("seed creates a demo user once, who can sign in with the printed password", async () => {
  const folder = await temporaryFolder();
  // The first start of the server creates the schema.
  await (await serve(folder)).kill("SIGTERM");

  const first = await finish("seed", { folder });
  expect(first).toMatchObject({ code: 0, stderr: "" });
  const [, tasks, password = ""] =
    /^Created demo@example\.com with \d+ tags and (\d+) tasks\. Its password, printed only once: (\S+)\n$/.exec(
      first.stdout,
    ) ?? [];
  const second = await finish("seed", { folder });
  expect(second).toMatchObject({
    code: 0,
    stdout: "demo@example.com already exists; nothing was changed\n",
  });

  const { url } = await serve(folder);
  const login = await fetch(`${url}/api/v1/auth/login`, {
    method: "POST",
    body: new URLSearchParams({ username: "demo@example.com", password }),
  });
  const { access_token } = (await login.json()) as { access_token: string };
  const list = await fetch(`${url}/api/v1/tasks?tag=Work`, {
    headers: { authorization: `Bearer ${access_token}` },
  });
  const page = (await list.json()) as { items: { tags: { name: string }[] }[]; total: number };
  expect(page.total).toBeGreaterThan(3);
  expect(page.total).toBeLessThan(Number(tasks));
  for (const { tags } of page.items) expect(tags.map(({ name }) => name)).toContain("Work");
});

test("seed fails in production", async () => {
  const folder = await temporaryFolder();
  const env = {
    NODE_ENV: "production",
    DATA_DIR: ".data",
    JWT_SECRET_KEY: "5ec2e7a9".repeat(8).replace(/9$/, "0"),
  };
  expect(await finish("seed", { folder, env })).toMatchObject({
    code: 1,
    stdout: "",
    stderr: "The demo user must not be created in production (NODE_ENV=production)\n",
  });
});
