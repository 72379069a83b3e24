import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { Agent } from "node:https";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { send } from "../client/http.ts";
import { textOf } from "../docs/documents.ts";
import { freePort } from "../process/free-port.ts";
import { createCertificate } from "./certificate.ts";

/** A real proxy in front of servers on this machine, with TLS. */
interface ReverseProxy {
  /** https://127.0.0.1:port */
  url: string;
  /** http://127.0.0.1:port, which redirects. */
  redirectUrl: string;
  /** Keeps connections, and accepts the proxy's certificate. */
  agent: Agent;
  /** Its messages so far. */
  output: () => string;
  stop: () => Promise<void>;
}

/** What the documented file has, and what a test has in its place. */
type Replacements = Readonly<Record<string, string>>;

/** What a test run knows, and a documented file cannot. */
interface Run {
  folder: string;
  port: number;
  redirectPort: number;
  key: string;
  certificate: string;
}

interface Setup {
  program: string;
  /** The documented configuration. */
  file: string;
  replacements: (run: Run) => Replacements;
  /** Arguments that check a configuration file. */
  check: (file: string, folder: string) => string[];
  /** Arguments that run the proxy in the foreground. */
  run: (file: string, folder: string) => string[];
}

const haproxy: Setup = {
  program: "haproxy",
  file: "docs/operations/haproxy.cfg",
  replacements: ({ folder, port, redirectPort }) => ({
    "bind :80": `bind 127.0.0.1:${redirectPort}`,
    "bind :443": `bind 127.0.0.1:${port}`,
    "/etc/haproxy/taskwire.pem": join(folder, "both.pem"),
    // A check of a busy test machine may be slow.
    "timeout check 2s": "timeout check 5s",
  }),
  check: (file) => ["-c", "-f", file],
  run: (file) => ["-db", "-f", file],
};

const nginxArguments = (file: string, folder: string): string[] => {
  const pid = `pid ${join(folder, "nginx.pid")};`;
  const directives = `daemon off; master_process off; error_log stderr notice; ${pid}`;
  return ["-p", folder, "-e", "stderr", "-c", file, "-g", directives];
};

const caddyArguments = (file: string): string[] => ["--config", file, "--adapter", "caddyfile"];

/** Each set-up of docs/operations.md, and haproxy without its retries. */
const setups = {
  haproxy,
  "haproxy without retries": {
    ...haproxy,
    replacements: (run) => ({
      ...haproxy.replacements(run),
      "retries 3": "retries 0",
      "option redispatch 1": "no option redispatch",
    }),
  },
  nginx: {
    program: "nginx",
    file: "docs/operations/nginx.conf",
    replacements: ({ folder, port, redirectPort, key, certificate }) => ({
      "listen 80;": `listen 127.0.0.1:${redirectPort};`,
      "listen 443 ": `listen 127.0.0.1:${port} `,
      "/etc/nginx/taskwire.crt": certificate,
      "/etc/nginx/taskwire.key": key,
      "server_tokens off;": [
        "server_tokens off; access_log off;",
        ...["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
          (name) => `${name}_temp_path ${join(folder, "temporary", name)};`,
        ),
      ].join("\n"),
    }),
    check: (file, folder) => ["-t", ...nginxArguments(file, folder)],
    run: nginxArguments,
  },
  caddy: {
    program: "caddy",
    file: "docs/operations/Caddyfile",
    replacements: ({ port, redirectPort, key, certificate }) => ({
      "email admin@example.com": `admin off\nhttp_port ${redirectPort}\nhttps_port ${port}`,
      "api.example.com {": `127.0.0.1 {\ntls ${certificate} ${key}`,
      "health_timeout 2s": "health_timeout 5s",
    }),
    check: (file) => ["validate", ...caddyArguments(file)],
    run: (file) => ["run", ...caddyArguments(file)],
  },
} satisfies Record<string, Setup>;

export type ProxySetup = keyof typeof setups;

// Safe: the keys of the table above.
export const proxySetups = Object.keys(setups) as ProxySetup[];

/** The program of a set-up. */
export const programOf = (setup: ProxySetup): string => setups[setup].program;

/** Replaces each text, and throws if the file does not contain it. */
const replaceAll = (text: string, replacements: Replacements): string =>
  Object.entries(replacements).reduce((current, [documented, own]) => {
    if (!current.includes(documented)) throw new Error(`The file does not contain ${documented}`);
    return current.replaceAll(documented, own);
  }, text);

/** Writes the documented configuration with a test's own addresses and certificate. Returns its path. */
const writeConfiguration = async (
  { file, replacements }: Setup,
  run: Run,
  ports: readonly number[],
): Promise<string> => {
  const servers = ports.map((port, index) => [`10.0.0.${index + 1}:8000`, `127.0.0.1:${port}`]);
  const path = join(run.folder, "proxy.conf");
  const own = { ...Object.fromEntries(servers), ...replacements(run) };
  await writeFile(path, replaceAll(textOf(file), own));
  await mkdir(join(run.folder, "temporary"));
  const pair = [await readFile(run.certificate, "utf8"), await readFile(run.key, "utf8")];
  await writeFile(join(run.folder, "both.pem"), pair.join(""));
  return path;
};

const isListening = (url: string, agent: Agent): Promise<boolean> =>
  send(url, { method: "GET", path: "/health/live" }, agent).then(
    () => true,
    () => false,
  );

/**
 * Starts a proxy with the configuration of docs/operations, after the proxy's own check of the file.
 * @param parent where a folder for its files is created
 * @param ports of the three servers
 */
export const startReverseProxy = async (
  setup: ProxySetup,
  parent: string,
  ports: readonly number[],
): Promise<ReverseProxy> => {
  const { program, check, run } = setups[setup];
  const folder = join(parent, "proxy");
  await mkdir(folder);
  const pair = createCertificate(folder);
  const [port, redirectPort] = [await freePort(), await freePort()];
  const file = await writeConfiguration(
    setups[setup],
    { folder, port, redirectPort, ...pair },
    ports,
  );
  // Caddy keeps its own files there.
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  execFileSync(program, check(file, folder), { env, stdio: "pipe" });
  const child = spawn(program, run(file, folder), { env, stdio: ["ignore", "ignore", "pipe"] });
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exited = once(child, "exit");
  const ended = exited.then(() => "ended" as const);
  const url = `https://127.0.0.1:${port}`;
  const ca = await readFile(pair.certificate, "utf8");
  // Idle connections are closed before the proxy closes them, as in `send`.
  const agent = new Agent({ keepAlive: true, timeout: 1000, ca });
  while (!(await isListening(url, agent))) {
    if ((await Promise.race([ended, sleep(50)])) === "ended")
      throw new Error(`${program} did not start:\n${output}`);
  }
  return {
    url,
    redirectUrl: `http://127.0.0.1:${redirectPort}`,
    agent,
    output: () => output,
    stop: async () => {
      agent.destroy();
      child.kill("SIGTERM");
      await exited;
    },
  };
};
