// The server's own router behind tRPC's stock Fastify adapter, and nothing else: `pnpm bench` measures the tRPC transport
// of the real server against it.
import { fastifyTRPCPlugin } from "@trpc/server/adapters/fastify";
import { parseConfig } from "@taskwire/server/config.ts";
import { createDeps } from "@taskwire/server/deps.ts";
import { httpContext } from "@taskwire/server/http/call-context.ts";
import { createLogger } from "@taskwire/server/logger.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import fastify, { type FastifyReply, type FastifyRequest } from "fastify";

const config = parseConfig(process.env);
const deps = await createDeps(config, createLogger(config.logLevel));
const app = fastify({ routerOptions: { maxParamLength: 1024 } });
await app.register(fastifyTRPCPlugin, {
  prefix: "/trpc",
  trpcOptions: {
    router: appRouter,
    createContext: ({ req, res }: { req: FastifyRequest; res: FastifyReply }) =>
      httpContext(deps, req, res, "/trpc", "trpc"),
  },
});
const url = await app.listen({ host: "127.0.0.1", port: config.port });
console.log(`REST at ${url}`);
