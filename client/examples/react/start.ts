import { createServer } from "vite";

/** The origin of the pages. Not 127.0.0.1, which for a browser is another site than the server's localhost. */
const host = "localhost";
const port = 5173;

process.env["CORS_ORIGINS"] ??= `http://${host}:${port}`;
await import("../../../server/src/main.ts");

const pages = await createServer({
  root: import.meta.dirname,
  clearScreen: false,
  server: { host, port, strictPort: true },
});
await pages.listen();
console.log(`The example is at http://${host}:${port} (Ctrl+C stops it and the server)`);
