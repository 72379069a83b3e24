import { errorCodes, errors } from "@taskwire/shared";
import { instruments } from "@taskwire/server/observability/instruments.ts";
import { createMetrics } from "@taskwire/server/observability/metrics.ts";
import { proceduresOf } from "@taskwire/server/rpc/meta.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { statusOf } from "@taskwire/server/rpc/translate-error.ts";
import { describe, expect, test } from "vitest";
import { partOf, textOf } from "../support/docs/documents.ts";
import { samplesIn, valueIn } from "../support/metrics/samples.ts";

/** Beside those of requests, calls and statements, which this file fills: the process, the pool and the server's own. */
const otherSeries = 100;

/** Every combination of labels that clients could cause, and more. */
const fill = async () => {
  const metrics = createMetrics();
  const statuses = new Set([200, 201, 204, 207, 302, 304, 307, 400, 408, 417, 431]);
  for (const code of errorCodes) statuses.add(statusOf(code));
  const seconds = 0.01;
  for (const method of ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PROPFIND", "X"])
    for (let i = 0; i < 60; i++)
      for (const status of statuses)
        for (const isAborted of [false, true]) {
          metrics.beginRequest(method);
          metrics.endRequest({ method, route: `/route/${i}`, status, isAborted, seconds });
        }
  for (const [procedure] of proceduresOf(appRouter))
    for (const transport of ["trpc", "rest"])
      for (const code of ["OK", ...Object.keys(errors)])
        metrics.recordCall({ procedure, transport, code, seconds });
  for (let i = 0; i < 1000; i++) {
    metrics.statements.sent(`word${i} from x`)?.();
    metrics.statements.sent("select 1")?.(Object.assign(new Error("x"), { code: `E${i}` }));
  }
  const { text } = await metrics.scrape();
  return text;
};

test("whatever clients send, the series stay below 2,000", async () => {
  const series = samplesIn(await fill());
  expect(series.length).toBeGreaterThan(1000);
  expect(series.length + otherSeries).toBeLessThanOrEqual(2000);
});

test("beyond the bound, a failure counts under its status or code, without route and procedure", async () => {
  const text = await fill();
  expect(
    valueIn(text, "http_server_request_duration_seconds_count", {
      http_request_method: "_OTHER",
      http_route: "_OTHER",
      http_response_status_code: "503",
      error_type: "503",
    }),
  ).toBeGreaterThan(0);
  expect(
    valueIn(text, "rpc_server_call_duration_seconds_count", {
      rpc_method: "_OTHER",
      rpc_response_status_code: "SERVICE_UNAVAILABLE",
    }),
  ).toBeGreaterThan(0);
});

test("errors do not displace successful calls: every procedure keeps its own series", async () => {
  const text = await fill();
  for (const [rpc_method] of proceduresOf(appRouter))
    for (const rpc_system_name of ["trpc", "rest"])
      expect(
        valueIn(text, "rpc_server_call_duration_seconds_count", {
          rpc_method,
          rpc_system_name,
          rpc_response_status_code: "OK",
        }),
      ).toBe(1);
});

const table = Object.entries(instruments);
const names = table.map(([name]) => name);

/** The names in an expression: histograms have three series each. */
const namesIn = (text: string): string[] =>
  [...text.matchAll(/\b(?:http|rpc|db|nodejs|v8js|process|taskwire)_\w+(?=[{[\s)]|$)/g)]
    .map(([name]) => name.replace(/_(?:bucket|sum|count)$/, ""))
    .filter((name) => !labels.has(name));

const labels = new Set<string>(table.flatMap(([, instrument]) => [...instrument.labels]));

interface Dashboard {
  panels: { targets: { expr: string }[] }[];
}

describe("the names of metrics", () => {
  test("in docs/operations/grafana-dashboard.json are all metrics, and no others", () => {
    const { panels } = JSON.parse(textOf("docs/operations/grafana-dashboard.json")) as Dashboard;
    const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const used = new Set(expressions.flatMap(namesIn));
    expect([...used].toSorted()).toEqual(names.toSorted());
  });

  test("in docs/operations/alerts.yml are names of metrics", () => {
    const expressions = textOf("docs/operations/alerts.yml")
      .split("- alert:")
      .map((rule) => /expr:([\s\S]*?)\n {8}(?:for|labels):/.exec(rule)?.[1] ?? "");
    const used = expressions.flatMap(namesIn);
    expect(used.length).toBeGreaterThanOrEqual(12);
    expect(names).toEqual(expect.arrayContaining(used));
  });

  test("with types, labels and meanings are the table of docs/operations.md", () => {
    const rows = partOf(textOf("docs/operations.md"), "metrics")
      .split("\n")
      .filter((line) => line.startsWith("| `"))
      .map((line) => line.split("|").map((cell) => cell.trim()));
    expect(rows.map(([, name, type, labelNames, help]) => [name, type, labelNames, help])).toEqual(
      table.map(([name, { type, labels: of, help }]) => [
        `\`${name}\``,
        type,
        of.map((label) => `\`${label}\``).join(", "),
        help,
      ]),
    );
  });
});

test("labels in the dashboard's and the alerts' expressions are labels of metrics", () => {
  const text =
    textOf("docs/operations/grafana-dashboard.json") + textOf("docs/operations/alerts.yml");
  const used = [...text.matchAll(/\b(\w+)(?:=~|!=|=)\\?"/g)].map(([, label = ""]) => label);
  expect([...labels, "job"]).toEqual(expect.arrayContaining([...new Set(used)]));
});
