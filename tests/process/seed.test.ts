import { expect, test } from "vitest";
import { finish, serve, temporaryFolder } from "../support/process/test-process.ts";

test("a demo user is made once, and can sign in with the password that was printed", async () => {
  const folder = await temporaryFolder();
  // The schema comes with the first start of the server.
  await (await serve(folder)).kill("SIGTERM");

  const first = await finish("seed", { folder });
  expect(first).toMatchObject({ code: 0, stderr: "" });
  const [, tasks, password = ""] =
    /^Made demo@example\.com with \d+ tags and (\d+) tasks\. The password, shown only now: (\S+)\n$/.exec(
      first.stdout,
    ) ?? [];
  const second = await finish("seed", { folder });
  expect(second).toMatchObject({
    code: 0,
    stdout: "demo@example.com is there already; nothing was changed\n",
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

test("production has no demo user", async () => {
  const folder = await temporaryFolder();
  const env = { NODE_ENV: "production", JWT_SECRET_KEY: "5ec2e7a9".repeat(8).replace(/9$/, "0") };
  expect(await finish("seed", { folder, env })).toMatchObject({
    code: 1,
    stdout: "",
    stderr: "A demo user has no place in production (NODE_ENV=production)\n",
  });
});
