import type { FastifyInstance } from "fastify";

/**
 * A path with one slash too many at its end, and the query. Not a path that starts with `//` or `/\`, which a browser
 * would take for another host, nor the absolute URL that a proxy may send.
 */
const pattern = /^(?<path>\/(?![/\\])[^?]*[^/?])\/(?<query>\?.*)?$/;

/** Redirects such a path to the path without the slash (CONTRACT.md, "Beside the API"), whether that path is known or not. */
export const redirectTrailingSlash = (app: FastifyInstance): void => {
  app.addHook("onRequest", ({ url }, reply, done) => {
    const { path, query = "" } = pattern.exec(url)?.groups ?? {};
    if (path === undefined) {
      done();
      return;
    }
    // 307 keeps method and body.
    void reply
      .code(307)
      .header("Location", path + query)
      .send();
  });
};
