import { once } from "node:events";
import { createServer } from "node:net";

/** Returns a TCP port on 127.0.0.1 without a listener. Another process may take it before the caller does. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("No port");
  return address.port;
};
