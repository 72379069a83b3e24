import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Creates a key, and a certificate for 127.0.0.1 that it signs itself. Returns their paths. */
export const createCertificate = (folder: string): { key: string; certificate: string } => {
  const key = join(folder, "key.pem");
  const certificate = join(folder, "certificate.pem");
  const newKey = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"];
  const names = ["-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync("openssl", ["req", ...newKey, ...names, "-keyout", key, "-out", certificate], {
    stdio: "ignore",
  });
  return { key, certificate };
};
