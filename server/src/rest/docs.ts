import { createRequire } from "node:module";
import { dirname } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { type ContentPolicy, securityHeaders } from "../http/common-headers.ts";
import { serveDocument } from "../http/other-methods.ts";
import { swaggerStart } from "./swagger-start.ts";

const require = createRequire(import.meta.url);
const directoryOf = (file: string): string => dirname(require.resolve(file));

const page = (title: string, head: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
${head}
</head>
<body>
${body}
</body>
</html>
`;

const swaggerPage = page(
  "taskwire REST API: Swagger UI",
  `<link rel="stylesheet" href="/docs/assets/swagger-ui.css">`,
  `<div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>`,
);

const redocPage = page(
  "taskwire REST API: ReDoc",
  "",
  `<redoc spec-url="/openapi.json"></redoc>
<script src="/redoc/assets/redoc.standalone.js"></script>`,
);

/** Allows nothing from elsewhere and nothing inline, except the styles that both bundles write at run time. */
const policy: ContentPolicy = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", "data:"],
    fontSrc: ["'self'"],
    connectSrc: ["'self'"],
    workerSrc: ["'self'", "blob:"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
};

/** The files of the bundles that the pages load. */
const bundles = [
  {
    prefix: "/docs/assets/",
    root: directoryOf("swagger-ui-dist/swagger-ui.css"),
    files: ["swagger-ui.css", "swagger-ui-bundle.js"],
  },
  {
    prefix: "/redoc/assets/",
    root: directoryOf("redoc/bundles/redoc.standalone.js"),
    files: ["redoc.standalone.js"],
  },
];

/**
 * Serves /openapi.json, /docs (Swagger UI) and /redoc (ReDoc) to everyone, with the bundles from npm.
 * `@fastify/swagger-ui` in static mode was tried: it works with our policy (a hook on its scope), but also serves
 * /docs/json, /docs/yaml and its folder's index page and csp.json, and ReDoc needs the page and files below anyway.
 * @param document the OpenAPI document to serve
 */
export const registerDocs = async (app: FastifyInstance, document: unknown): Promise<void> => {
  const text = JSON.stringify(document);
  const pageHeaders = await securityHeaders(policy);
  const serve = (url: string, type: string, body: string, headers: Record<string, string> = {}) =>
    serveDocument(app, url, (_request, reply) =>
      reply.headers(headers).type(`${type}; charset=utf-8`).send(body),
    );
  serve("/openapi.json", "application/json", text);
  serve("/docs", "text/html", swaggerPage, pageHeaders);
  serve("/docs/start.js", "text/javascript", swaggerStart);
  serve("/redoc", "text/html", redocPage, pageHeaders);

  // Without its own route for a whole folder, which would reject malformed paths in its own way.
  app.register(fastifyStatic, {
    serve: false,
    root: bundles.map(({ root }) => root),
    maxAge: "1h",
  });
  for (const { prefix, root, files } of bundles)
    for (const file of files)
      serveDocument(app, prefix + file, (_request, reply) => reply.sendFile(file, root));
};
