import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createCertificate } from "./certificate.ts";

/**
 * Starts a real nginx in a folder, with a self-signed certificate.
 * @param servers the `server` blocks of its configuration
 * @returns the function that stops it
 */
export const startNginx = async (folder: string, servers: string): Promise<() => Promise<void>> => {
  const { key, certificate } = createCertificate(folder);
  await mkdir(join(folder, "temporary"));
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${join(folder, "temporary", name)};`,
  );
  const file = join(folder, "nginx.conf");
  await writeFile(
    file,
    `daemon off; master_process off; pid ${join(folder, "nginx.pid")}; error_log stderr notice;
     events {}
     http {
       access_log off; ${temporary.join(" ")}
       types { text/html html; text/javascript js; }
       ssl_certificate ${certificate}; ssl_certificate_key ${key};
       ${servers}
     }`,
  );
  const child = spawn("nginx", ["-p", folder, "-e", "stderr", "-c", file], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  await new Promise<void>((resolve, reject) => {
    let output = "";
    child.stderr.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      // It listens before it says so.
      if (output.includes("nginx/")) resolve();
    });
    child.once("error", (cause) =>
      reject(new Error("No nginx in the path. Install it: apt-get install nginx", { cause })),
    );
    child.once("exit", () => reject(new Error(`nginx did not start:\n${output}`)));
  });
  return async () => {
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    await exited;
  };
};
