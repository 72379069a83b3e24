import { randomBytes, randomUUID } from "node:crypto";
import { AppError } from "@taskwire/shared";
import { parseConfig } from "../config.ts";
import { pendingMigrations } from "../db/migrator.ts";
import { createDeps } from "../deps.ts";
import { loadEnvFile, run } from "./executable.ts";
import { createLogger } from "../logger.ts";
import { OperatorError } from "../errors.ts";
import { register } from "../services/auth/account.ts";
import { systemContext } from "../services/context.ts";
import { fillDemo } from "../services/demo.ts";

const email = "demo@example.com";

run(async () => {
  loadEnvFile();
  const config = parseConfig(process.env);
  if (config.production)
    throw new OperatorError("A demo user has no place in production (NODE_ENV=production)");
  const deps = await createDeps(config, createLogger("error"));
  const { clock, orm } = deps;
  const password = randomBytes(9).toString("base64url");
  try {
    if ((await pendingMigrations(orm)).length > 0) {
      throw new OperatorError("Migrations are pending: run `pnpm migrate up` first");
    }
    // All or nothing: a seed that broke off leaves no user, and can simply be run again.
    const made = await orm.em.fork().transactional(async (em) => {
      const ctx = systemContext(deps, em.getKysely());
      const user = await register(ctx, { email, password, name: "Demo" });
      return fillDemo(ctx, { ...user, sid: randomUUID() }, clock());
    });
    console.log(
      `Made ${email} with ${made.tags} tags and ${made.tasks} tasks. The password, shown only now: ${password}`,
    );
  } catch (error) {
    if (!(error instanceof AppError && error.code === "EMAIL_ALREADY_EXISTS")) throw error;
    console.log(`${email} is there already; nothing was changed`);
  } finally {
    await deps.close();
  }
});
