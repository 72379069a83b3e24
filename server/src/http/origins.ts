import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Config } from "../config.ts";

/** Returns whether CORS_ORIGINS allows the pages of an origin to call the API. */
export const isListed = ({ corsOrigins }: Config, origin: string): boolean =>
  corsOrigins.includes("*") || corsOrigins.includes(origin);

/**
 * Returns whether a page of a foreign origin makes the request. The server's own pages (/docs) are never foreign, under any
 * host name of the server, and neither are those behind the same proxy.
 */
export const isForeign = (config: Config, { headers, host, protocol }: FastifyRequest): boolean => {
  const { origin, "sec-fetch-site": site } = headers;
  if (site === "same-origin") return false;
  // A browser sends Origin with every POST. If something has removed it, Sec-Fetch-Site still shows that a page sent it;
  // without both headers the caller is not a browser.
  if (origin === undefined) return site === "cross-site" || site === "same-site";
  return origin !== `${protocol}://${host}` && !isListed(config, origin);
};

/** Only a restart changes CORS_ORIGINS, so a longer list would show nothing new. */
const maxWarnings = 20;

/** Returns a header's value as short printable ASCII, which a terminal can show. */
const printable = (text: string): string => text.replaceAll(/[^\x21-\x7e]/g, "?").slice(0, 200);

/** Warns once for each origin that CORS_ORIGINS should perhaps list, because the page itself shows only a failed request. */
export const warnOfRejectedOrigins = (app: FastifyInstance, config: Config): void => {
  const warned = new Set<string>();
  const warn = (request: FastifyRequest): void => {
    if (request.headers.origin === undefined || warned.size >= maxWarnings) return;
    const origin = printable(request.headers.origin);
    if (warned.has(origin) || !isForeign(config, request)) return;
    warned.add(origin);
    request.log.warn(
      { origin },
      "Origin rejected: if its pages may call the API, add it to CORS_ORIGINS",
    );
  };
  app.addHook("onRequest", (request, _reply, done) => {
    warn(request);
    done();
  });
};
