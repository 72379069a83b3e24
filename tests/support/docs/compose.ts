import { parse } from "yaml";
import { textOf } from "./documents.ts";

/** A service of docker-compose.yml, with the parts that tests read. */
export interface Service {
  image: string;
  build?: { context: string; dockerfile: string };
  command?: string[];
  user?: string;
  environment?: Record<string, string>;
  healthcheck?: { test?: string[]; disable?: boolean };
  depends_on?: Record<string, { condition: string }> | string[];
  ports?: string[];
  container_name?: string;
  networks: string[];
  volumes?: string[];
  tmpfs?: string[];
  mem_limit: string;
  read_only: boolean;
  cap_drop: string[];
  cap_add?: string[];
  privileged?: boolean;
  security_opt: string[];
  stop_grace_period: string;
  logging: { driver: string; options: Record<string, string> };
}

// The interface lists what the file has: tests check it, and fail if a part is missing.
export const { services, networks } = parse(textOf("docker-compose.yml"), { merge: true }) as {
  services: Record<"postgres" | "redis" | "migrate" | "server" | "proxy", Service>;
  networks: { front: { ipam: { config: { subnet: string }[] } }; back: { internal: boolean } };
};
