import { randomBytes, randomUUID } from "node:crypto";
import { AppError } from "@taskwire/shared";
import { pendingMigrations } from "../db/migrator.ts";
import { createDeps } from "../deps.ts";
import { OperatorError } from "../errors.ts";
import { createLogger } from "../logger.ts";
import { register } from "../services/auth/account.ts";
import { systemContext } from "../services/context.ts";
import { fillDemo } from "../services/demo.ts";
import { readConfig, run } from "./executable.ts";

const email = "demo@example.com";

run(async () => {
  const config = readConfig();
  if (config.production)
    throw new OperatorError(
      "The demo user must not be created in production (NODE_ENV=production)",
    );
  const deps = await createDeps(config, createLogger("error"));
  const { clock, orm } = deps;
  const password = randomBytes(9).toString("base64url");
  try {
    if ((await pendingMigrations(orm)).length > 0) {
      throw new OperatorError("Migrations are pending: run `pnpm migrate up` first");
    }
    // In one transaction, so that a seed that fails leaves no user and can be run again.
    const created = await orm.em.fork().transactional(async (em) => {
      const ctx = systemContext(deps, em.getKysely());
      const user = await register(ctx, { email, password, name: "Demo" });
      return fillDemo(ctx, { ...user, sid: randomUUID() }, clock());
    });
    console.log(
      `Created ${email} with ${created.tags} tags and ${created.tasks} tasks. Its password, printed only once: ${password}`,
    );
  } catch (error) {
    if (!(error instanceof AppError && error.code === "EMAIL_ALREADY_EXISTS")) throw error;
    console.log(`${email} already exists; nothing was changed`);
  } finally {
    await deps.close();
  }
});
