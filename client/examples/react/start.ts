import { createServer } from "vite";

/** Not 127.0.0.1: for a browser that is another site than the server's localhost, and it keeps no cookie between them. */
const host = "localhost";
const [port = "5173"] = process.argv.slice(2);

process.env["CORS_ORIGINS"] ??= `http://${host}:${port}`;
await import("../../../server/src/main.ts");

const pages = await createServer({
  root: import.meta.dirname,
  clearScreen: false,
  server: { host, port: Number(port), strictPort: true },
});
await pages.listen();
console.log(`The example is at http://${host}:${port} (Ctrl+C stops it and the server)`);
