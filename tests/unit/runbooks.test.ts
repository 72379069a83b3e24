import { environment } from "@taskwire/server/config.ts";
import { events } from "@taskwire/server/log/events.ts";
import { instruments } from "@taskwire/server/observability/instruments.ts";
import { errorCodes } from "@taskwire/shared";
import { describe, expect, test } from "vitest";
import { partOf, textOf } from "../support/docs/documents.ts";

const page = textOf("docs/operations/runbooks.md");
const operations = textOf("docs/operations.md");

/** Returns the first group of each match. */
const all = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, group = ""]) => group);

describe("docs/operations/runbooks.md", () => {
  const rules = textOf("docs/operations/alerts.yml");
  const alerts = all(rules, /^ +- alert: (\w+)$/gm);

  test("has a section for each alert in its order, to which the alert links", () => {
    const part = /^## Alerts$.*?(?=^## )/ms.exec(page)?.[0] ?? "";
    expect(alerts).toHaveLength(13);
    expect(all(part, /^### (.+)$/gm)).toEqual(alerts);
    expect(all(rules, /^ +runbook_url: (.+)$/gm)).toEqual(
      alerts.map((name) => `docs/operations/runbooks.md#${name.toLowerCase()}`),
    );
  });

  test.each(alerts)(
    "says of %s what it means for users, how to confirm it, what to do, and when it ends",
    (name) => {
      const section = new RegExp(`^### ${name}$.*?(?=^##)`, "ms").exec(page)?.[0] ?? "";
      expect(all(section, /^- \*\*(\w+):\*\* \S/gm)).toEqual(
        section.includes("- **Do:**\n")
          ? ["Users", "Confirm", "Ends"]
          : ["Users", "Confirm", "Do", "Ends"],
      );
    },
  );

  test("quotes only messages, events and reasons that the log has", () => {
    const tables = partOf(operations, "log") + partOf(operations, "events") + operations;
    const messages = all(page, /"msg":"([^"`]+)/g);
    expect(messages.length).toBeGreaterThan(10);
    expect(messages.filter((text) => !tables.includes(text))).toEqual([]);
    const named = all(page, /"event":"(\w+)"/g);
    expect(named.filter((name) => !Object.keys(events).includes(name))).toEqual([]);
    const reasons = new Set(
      Object.values(events).flatMap((event): readonly string[] => event.reasons),
    );
    expect(all(page, /"reason":"(\w+)"/g).filter((reason) => !reasons.has(reason))).toEqual([]);
  });

  test("names only metrics, settings and error codes that exist", () => {
    const metrics = all(page, /\b((?:http|rpc|db|nodejs|v8js|process|taskwire)_[a-z0-9_]+)/g);
    expect(metrics.length).toBeGreaterThan(10);
    const names = metrics.map((name) => name.replace(/_(?:bucket|count|sum)$/, ""));
    const labels = Object.values(instruments).flatMap((each): readonly string[] => each.labels);
    const exported = new Set([...Object.keys(instruments), ...labels]);
    expect(names.filter((name) => !exported.has(name))).toEqual([]);
    const constants = all(page, /\b([A-Z][A-Z]+(?:_[A-Z]+)+)\b/g);
    const known = new Set([...Object.keys(environment.shape), ...errorCodes]);
    expect(constants.filter((name) => !known.has(name))).toEqual([]);
  });
});
