import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../support/docs/documents.ts";
import { npmProject } from "../support/process/npm-project.ts";
import { serve, temporaryFolder } from "../support/process/test-process.ts";

/** Neither generator supports TypeScript 7. */
const compiler = ["typescript@5.9.3", "@types/node@24.19.2"];

const strict = {
  compilerOptions: {
    strict: true,
    // Not exactOptionalPropertyTypes: the code of @hey-api/openapi-ts does not compile with it, whatever the document is.
    target: "es2023",
    module: "nodenext",
    outDir: "compiled",
  },
  include: ["src"],
};

const credentials = `{ email: "ada@example.com", password: "correct horse battery" }`;

/** Each program prints what it has read: the rename of a completed task, and the statuses of the end. */
const openapiFetchProgram = `import createClient from "openapi-fetch";
import type { paths } from "./schema";

const client = createClient<paths>({ baseUrl: process.argv[2] ?? "" });
const { email, password } = ${credentials};
const present = <Value>(value: Value | undefined): Value => {
  if (value === undefined) throw new Error("No data");
  return value;
};

const main = async (): Promise<void> => {
  await client.POST("/api/v1/auth/register", { body: { email, password } });
  const signIn = await client.POST("/api/v1/auth/login", {
    body: { username: email, password },
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  });
  const { access_token } = present(signIn.data);
  client.use({
    onRequest: ({ request }) => {
      request.headers.set("Authorization", "Bearer " + access_token);
    },
  });
  const created = await client.POST("/api/v1/tasks", { body: { title: "A", completed: true } });
  const path = { task_id: present(created.data).id };
  const page = await client.GET("/api/v1/tasks", { params: { query: { status: "completed" } } });
  await client.PATCH("/api/v1/tasks/{task_id}", { params: { path }, body: { title: "B" } });
  const task = await client.GET("/api/v1/tasks/{task_id}", { params: { path } });
  const { title, completed } = present(task.data);
  const deleted = await client.DELETE("/api/v1/tasks/{task_id}", { params: { path } });
  const missing = await client.GET("/api/v1/tasks/{task_id}", { params: { path } });
  const statuses = [deleted.response.status, missing.response.status];
  console.log(JSON.stringify({ total: page.data?.total, title, completed, statuses, code: missing.error?.code }));
};
void main();
`;

const heyApiProgram = `import { client } from "./client/client.gen";
import * as api from "./client";

const { email, password } = ${credentials};
const present = <Value>(value: Value | undefined): Value => {
  if (value === undefined) throw new Error("No data");
  return value;
};

const main = async (): Promise<void> => {
  client.setConfig({ baseUrl: process.argv[2] ?? "" });
  await api.registerUser({ body: { email, password } });
  const signIn = await api.loginUser({ body: { username: email, password } });
  const { access_token } = present(signIn.data);
  client.setConfig({ auth: () => access_token });
  const created = await api.createTask({ body: { title: "A", completed: true } });
  const path = { task_id: present(created.data).id };
  const page = await api.listTasks({ query: { status: "completed" } });
  await api.updateTask({ path, body: { title: "B" } });
  const task = await api.getTask({ path });
  const { title, completed } = present(task.data);
  const deleted = await api.deleteTask({ path });
  const missing = await api.getTask({ path });
  const statuses = [deleted.response?.status, missing.response?.status];
  console.log(JSON.stringify({ total: page.data?.total, title, completed, statuses, code: missing.error?.code }));
};
void main();
`;

test.each([
  {
    generator: "openapi-typescript",
    packages: ["openapi-typescript@7.13.0", "openapi-fetch@0.17.0"],
    command: ["openapi-typescript", "openapi.json", "-o", "src/schema.ts"],
    program: openapiFetchProgram,
  },
  {
    generator: "@hey-api/openapi-ts",
    packages: ["@hey-api/openapi-ts@0.99.0"],
    command: ["openapi-ts", "-i", "openapi.json", "-o", "src/client"],
    program: heyApiProgram,
  },
] as const)(
  "the client that $generator generates compiles strictly, and a renamed task stays completed",
  async ({ packages, command: [name, ...args], program }) => {
    const { url } = await serve(await temporaryFolder());
    const { folder, run, write } = await npmProject(...compiler, ...packages);
    await copyFile(join(root, "server/openapi.json"), join(folder, "openapi.json"));
    await run(name, ...args);
    await write("tsconfig.json", JSON.stringify(strict));
    await write("src/program.ts", program);
    await run("tsc");
    const output = await run("node", "compiled/program.js", url);
    expect(JSON.parse(output)).toEqual({
      total: 1,
      title: "B",
      completed: true,
      statuses: [204, 404],
      code: "TASK_NOT_FOUND",
    });
  },
);
