/** Returns the address of a request, as the caller of fetch gave it. */
export const addressOf = (input: Parameters<typeof fetch>[0]): string =>
  input instanceof Request ? input.url : input.toString();

/** Creates a fetch that stores and sends the server's cookie, as a browser does, and records the path of each request. */
export const cookieFetch = () => {
  let cookie: string | undefined;
  const requests: string[] = [];
  const send: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers);
    if (cookie !== undefined) headers.set("cookie", cookie);
    requests.push(new URL(input instanceof Request ? input.url : input).pathname);
    const response = await fetch(input, { ...init, headers });
    for (const line of response.headers.getSetCookie()) [cookie] = line.split(";", 1);
    return response;
  };
  return {
    fetch: send,
    requests,
    /** Returns the number of requests to a procedure. */
    count: (procedure: string) =>
      requests.filter((path) => path.replace("/trpc/", "").split(",").includes(procedure)).length,
  };
};
