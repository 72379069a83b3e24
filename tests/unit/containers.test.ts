import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { environment, parseConfig } from "@taskwire/server/config.ts";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { root, textOf } from "../support/docs/documents.ts";

const signingKey = `${"0f".repeat(31)}a9`;

interface Service {
  image: string;
  build?: { context: string; dockerfile: string };
  command?: string[];
  environment: Record<string, string>;
  healthcheck?: { test?: unknown; disable?: boolean };
  stop_grace_period?: string;
  depends_on?: Record<string, { condition: string }>;
}

const { services } = parse(textOf("docker-compose.yml"), { merge: true }) as {
  services: Record<"postgres" | "redis" | "migrate" | "server", Service>;
};

describe("docker-compose.yml", () => {
  test("requires every secret from the environment, except previous ones", () => {
    const values = Object.values(services).flatMap((service) =>
      Object.values(service.environment ?? {}),
    );
    const secrets = values.filter(
      (value) => /PASSWORD|SECRET/.test(value) && !/PREVIOUS/.test(value),
    );
    expect(secrets.length).toBeGreaterThanOrEqual(3);
    for (const secret of secrets) expect(secret).toMatch(/\$\{\w+:\?[^}]+\}/);
  });

  test("sets only settings that config.ts defines", () => {
    for (const { environment: variables } of [services.server, services.migrate]) {
      expect(Object.keys(environment.shape)).toEqual(
        expect.arrayContaining(Object.keys(variables)),
      );
    }
  });

  test("gives the server more than the 15 s within which it stops", () => {
    expect(services.server.stop_grace_period).toBe("20s");
  });

  test("starts each service only after the services that it depends on", () => {
    expect(services.postgres.image).toBe("postgres:18");
    expect(services.redis.image).toBe("redis:8");
    for (const { healthcheck } of [services.postgres, services.redis])
      expect(healthcheck?.test).toBeDefined();
    expect(services.migrate.command).toEqual(["node", "server/src/cli/migrate.ts", "up"]);
    expect(services.migrate.depends_on).toEqual({ postgres: { condition: "service_healthy" } });
    expect(services.server.depends_on).toEqual({
      migrate: { condition: "service_completed_successfully" },
      redis: { condition: "service_healthy" },
    });
    expect(services.server.build).toEqual({ context: ".", dockerfile: "server/Dockerfile" });
  });
});

describe("server/Dockerfile", () => {
  const lines = textOf("server/Dockerfile").replaceAll("\\\n", " ").split("\n");
  const instructions = (name: string) =>
    lines
      .filter((line) => line.startsWith(`${name} `))
      .map((line) => line.slice(name.length + 1).trim());

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
    expect(env).toEqual({ NODE_ENV: "production", HOST: "0.0.0.0", PORT: "8000" });
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
    const [program, file = ""] = JSON.parse(command) as string[];
    expect(program).toBe("node");
    expect(existsSync(join(root, file))).toBe(true);
  });
});
