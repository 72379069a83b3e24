import type { FastifyInstance } from "fastify";
import Negotiator from "negotiator";
import { serveDocument } from "./other-methods.ts";

const landing = { name: "taskwire", documentation: "/docs", openapi: "/openapi.json" };

/** In the order of preference for a client that accepts both alike, such as one that sends no Accept header. */
const mediaTypes = ["application/json", "text/html"];

/** Serves /: redirects a client that prefers HTML, which is a browser, to the documentation, and returns JSON to others. */
export const registerLanding = (app: FastifyInstance): void => {
  serveDocument(app, "/", (request, reply) => {
    // Replaces the header of the CORS plugin, which is "Origin".
    reply.header("Vary", "Origin, Accept");
    const isBrowser = new Negotiator(request).mediaType(mediaTypes) === "text/html";
    return isBrowser ? reply.redirect(landing.documentation, 302) : reply.send(landing);
  });
};
