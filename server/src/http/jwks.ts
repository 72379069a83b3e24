import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { serveDocument } from "./other-methods.ts";

/** Seconds for which a verifier may keep the keys. A key is published at least this long before it signs (docs/operations.md). */
const maxAge = 300;

/** Serves the public keys of the tokens to everyone: an empty set if a secret signs. */
export const registerJwks = (app: FastifyInstance, { publicKeys }: Deps): void => {
  const text = JSON.stringify(publicKeys);
  serveDocument(app, "/.well-known/jwks.json", (_request, reply) =>
    reply
      .header("Cache-Control", `public, max-age=${maxAge}`)
      .type("application/json; charset=utf-8")
      .send(text),
  );
};
