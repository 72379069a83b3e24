import { join } from "node:path";
import { openEmbedded } from "@taskwire/server/db/embedded/open.ts";
import { expect, test } from "vitest";
import { unpackDatabase } from "../support/process/data-directory.ts";
import { serve, temporaryFolder } from "../support/process/test-process.ts";

test("soon after its start, a server logs that it removed one expired session", async () => {
  const folder = await temporaryFolder();
  await unpackDatabase(folder);
  const orm = await openEmbedded(join(folder, ".data"));
  await orm.em.execute(
    `with owner as (insert into users (email, password_hash) values ('a@example.com', 'x') returning id)
     insert into sessions (id, user_id, address, created_at, rotated_at, expires_at, ends_at)
     select gen_random_uuid(), id, '192.0.2.1', now, now, now, now
     from owner, (select now() - interval '1 hour' as now) past`,
  );
  await orm.close();
  const server = await serve(folder);
  const [line] = await server.until(/^.*Removed expired sessions.*$/m);
  expect(JSON.parse(line)).toMatchObject({ level: "info", removed: 1 });
});
