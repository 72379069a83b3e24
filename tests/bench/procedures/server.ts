// This server with everything that it has in production, but with three procedures that use no database.
import { buildApp } from "@taskwire/server/app.ts";
import { parseConfig } from "@taskwire/server/config.ts";
import { createDeps } from "@taskwire/server/deps.ts";
import { createLogger } from "@taskwire/server/logger.ts";
import { procedures } from "./router.ts";

const config = parseConfig(process.env);
const deps = await createDeps(config, createLogger(config.logLevel));
const app = await buildApp(deps, procedures);
await app.listen({ host: "127.0.0.1", port: config.port });
