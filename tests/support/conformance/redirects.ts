import type { HttpRequest, HttpResponse } from "../client/http.ts";

/**
 * Returns whether the response redirects to the request's path without the slash too many at its end (CONTRACT.md,
 * "Beside the API"). Throws if it redirects in any other way.
 */
export const isTrailingSlashRedirect = (
  request: Pick<HttpRequest, "path">,
  { status, headers, text }: HttpResponse,
): boolean => {
  const location = headers.get("location");
  if ((status < 300 || status >= 400) && location === null) return false;
  const [path = "", ...query] = request.path.split("?");
  const target = [path.slice(0, -1), ...query].join("?");
  if (status === 307 && path.endsWith("/") && location === target && text === "") return true;
  throw new Error(`${request.path}: unexpected redirect, ${status} to ${location}`);
};
