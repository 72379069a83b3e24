import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { root } from "../docs/documents.ts";

const html = `<!doctype html><title>A page</title><script type="module" src="/page.js"></script>`;

/** Returns the script of the test pages: the client, bundled for a browser. */
const bundlePage = async (): Promise<string> => {
  const input = join(root, "tests/support/browser/page.ts");
  const bundle = await rolldown({ input, platform: "browser", logLevel: "silent" });
  const { output } = await bundle.generate({ format: "esm" });
  await bundle.close();
  return output[0].code;
};

/** Writes a page with the client into a folder, as a build does. */
export const writePage = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "index.html"), html);
  await writeFile(join(folder, "page.js"), await bundlePage());
};

/** Serves the page on a free port of localhost. */
export const servePage = async (): Promise<{ port: number; close: () => void }> => {
  const script = await bundlePage();
  const server = createServer(({ url }, response) => {
    const isScript = url === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : html);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port");
  return {
    port: address.port,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
