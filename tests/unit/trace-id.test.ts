import { traceIdIn } from "@taskwire/server/log/trace-id.ts";
import { expect, test } from "vitest";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parentId = "00f067aa0ba902b7";

test.each([
  `00-${traceId}-${parentId}-01`,
  `00-${traceId}-${parentId}-ff`,
  // A later version may append fields.
  `01-${traceId}-${parentId}-01`,
  `cc-${traceId}-${parentId}-01-what-the-future-will-be`,
])("%s has a trace id", (header) => {
  expect(traceIdIn(header)).toBe(traceId);
});

test.each([
  undefined,
  "",
  traceId,
  `ff-${traceId}-${parentId}-01`,
  `00-${"0".repeat(32)}-${parentId}-01`,
  `00-${traceId}-${"0".repeat(16)}-01`,
  `00-${traceId.toUpperCase()}-${parentId}-01`,
  `00-${traceId.slice(1)}-${parentId}-01`,
  `00-${traceId}-${parentId}`,
  `00-${traceId}-${parentId}-01-more`,
  `00-${traceId}-${parentId}-01, 00-${traceId}-${parentId}-01`,
  ` 00-${traceId}-${parentId}-01`,
  `00-${traceId}-${parentId}-01\n`,
  `0g-${traceId}-${parentId}-01`,
])("%j has none", (header) => {
  expect(traceIdIn(header)).toBeUndefined();
});
