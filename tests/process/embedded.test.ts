import { expect, test } from "vitest";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { rest } from "../support/client/transports.ts";
import { signedInUser } from "../support/client/signed-in-user.ts";
import { finish, serve, temporaryFolder } from "../support/process/test-process.ts";

test("other processes fail while a server uses the data directory, and that server keeps working", async () => {
  const folder = await temporaryFolder();
  await unpackDatabase(folder);
  const server = await serve(folder);
  const { url } = server;
  // A page at localhost would not keep the cookie of a server at 127.0.0.1.
  expect(server.stdout).toContain(`REST at http://localhost:${new URL(url).port}/api/v1`);
  const ada = await signedInUser({ url });
  const others = [
    finish("main", { folder, env: { PORT: "0" } }),
    finish("migrate", { folder, args: ["up"] }),
  ];
  for (const { code, stdout, stderr } of await Promise.all(others)) {
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toBe(
      "Another process uses the embedded database in .data. Stop it, or set DATA_DIR to another directory, or DATABASE_URL to a PostgreSQL.\n",
    );
  }
  const me = await rest.call(url, "auth.me", undefined, { token: ada.token });
  expect(me.data).toMatchObject({ id: ada.id });
  await signedInUser({ url });
});
