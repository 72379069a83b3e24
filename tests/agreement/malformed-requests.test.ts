import fc from "fast-check";
import {
  fillPath,
  type Operation,
  operationsOf,
  prefix,
} from "@taskwire/server/rest/operations.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HttpRequest } from "../support/client/http.ts";
import { nonStrings, typeLikeTexts } from "../support/fuzz/edge-cases.ts";
import { fieldsOf, isRecord, validInput } from "../support/fuzz/fields.ts";
import {
  authorizations,
  bodies,
  contentTypes,
  cookies,
  otherHeaders,
  pathTexts,
  queries,
  trpcPaths,
} from "../support/fuzz/malformed-requests.ts";
import { signInNewUser, startTargets, type Target } from "../support/fuzz/targets.ts";
import {
  findViolations,
  findViolationsOfRequest,
  findViolationsOfTrpcPath,
} from "../support/fuzz/violations.ts";
import { repeated, times } from "../support/setup/property.ts";

const runs = times("FUZZ_RUNS", 20);
/** Each operation tries a part of the values, with its own offset; all values in a thorough run. */
const stride = runs >= 1000 ? 1 : times("FUZZ_STRIDE", 3);

let targets: Target[];
let rest: Target[];
let rpc: Target[];
/** REST on PGlite and RPC on PostgreSQL: enough for requests that do not reach the database. */
let onePerTransport: Target[];
beforeAll(async () => {
  targets = await startTargets();
  rest = targets.filter(({ transport }) => transport.name === "REST");
  rpc = targets.filter(({ transport }) => transport.name === "RPC");
  onePerTransport = [...rest.slice(0, 1), ...rpc.slice(-1)];
});
afterAll(() => Promise.all(targets.map(({ server }) => server.close())));

let serial = 0;

const operations = operationsOf(appRouter).map((operation) => [operation.name, operation] as const);

describe.each(operations)("%s", (_, operation: Operation) => {
  const fields = fieldsOf(operation);
  const pathFields = fields.filter(({ location }) => location === "path").map(({ name }) => name);
  const queryFields = fields.filter(({ location }) => location === "query").map(({ name }) => name);
  const isQuery = operation.procedure._def.type === "query";
  beforeAll(() => signInNewUser(targets, `${operation.name}@example.com`));

  /** Runs `check` for a sample of the values, one by one, and expects no violation for any. */
  const expectNoViolations = async <Value>(
    values: readonly Value[],
    check: (value: Value) => readonly Promise<string[]>[],
  ): Promise<void> => {
    const violations: string[] = [];
    const offset = operations.findIndex(([name]) => name === operation.name);
    const sample = values.filter((__, i) => (i + offset) % stride === 0);
    for (const value of sample) violations.push(...(await Promise.all(check(value))).flat());
    expect(violations).toEqual([]);
  };

  /** Sends a valid request of this operation with some of its parts replaced. */
  const checkModified = (
    selected: readonly Target[],
    label: unknown,
    replace: (request: HttpRequest, target: Target) => Partial<HttpRequest>,
  ) =>
    findViolationsOfRequest(
      selected,
      operation,
      validInput(fields, serial++),
      label,
      (request, target) => ({ ...request, ...replace(request, target) }),
    );

  test("malformed path parameters: contract responses, equal on both databases", async () => {
    for (const name of pathFields) {
      await expectNoViolations(pathTexts, (text) => [
        checkModified(rest, text, (_request, { fixture }) => {
          const ids: Record<string, number | string> = { ...fixture };
          const fill = (parameter: string) => (parameter === name ? text : String(ids[parameter]));
          return { path: prefix + fillPath(operation.rest.path, fill) };
        }),
      ]);
    }
  });

  test("malformed query strings: contract responses, equal on both databases", async () => {
    for (const name of queryFields.length === 0 ? ["title"] : queryFields) {
      await expectNoViolations(queries, (query) => [
        checkModified(rest, query.replaceAll("NAME", name), ({ path }) => ({
          path: `${path.split("?", 1)[0]}?${query.replaceAll("NAME", name)}`,
        })),
      ]);
    }
  });

  test("malformed bodies: contract responses on each transport", async () => {
    const bodyField = fields.find(({ location }) => location === "json" || location === "form");
    const field = bodyField?.name ?? "title";
    await expectNoViolations(bodies, (raw) => {
      const body = typeof raw === "string" ? raw.replaceAll("FIELD", field) : raw;
      return (isQuery ? onePerTransport.slice(0, 1) : onePerTransport).map((target) =>
        checkModified([target], body, () => ({ body })),
      );
    });
  });

  test("unusual headers: contract responses, and equal outcomes for forged tokens", async () => {
    const checkHeaders = (selected: readonly Target[], added: Record<string, string>) =>
      checkModified(selected, added, ({ headers }) => ({ headers: { ...headers, ...added } }));
    const isProtected = operation.meta.auth === "access";
    await expectNoViolations(
      isProtected
        ? authorizations.map((authorization) => ({ authorization }))
        : cookies.map((cookie) => ({ cookie })),
      (headers: Record<string, string>) => [checkHeaders(onePerTransport, headers)],
    );
    await expectNoViolations(
      [...otherHeaders, ...contentTypes.map((type) => ({ "content-type": type }))],
      (headers) => onePerTransport.map((target) => checkHeaders([target], headers)),
    );
  });

  test("JSON values that REST cannot express: equal tRPC outcomes on both databases", async () => {
    for (const name of [...pathFields, ...queryFields, ...(operation.rest.hidden ?? [])]) {
      await expectNoViolations([...nonStrings, ...typeLikeTexts], (value) => [
        findViolations(rpc, operation, { ...validInput(fields, serial++), [name]: value }),
      ]);
    }
  });

  test("malformed tRPC paths and batches: contract errors only", async () => {
    await expectNoViolations(trpcPaths, (text) => {
      const path = `/trpc/${text.replaceAll("NAME", operation.name)}`;
      return ["GET", "POST"].map((method) =>
        findViolationsOfTrpcPath(onePerTransport.slice(1), method, path),
      );
    });
  });
});

describe("list cursors", () => {
  const list = operations.find(([name]) => name === "task.list")?.[1];
  const sorts = [undefined, "due_date", "-due_date", "priority", "created_at", "title", "-title"];

  test(
    "a corrupted cursor: VALIDATION_ERROR or a page, equal on both databases",
    async () => {
      if (list === undefined) throw new Error("No task.list");
      await signInNewUser(targets, "cursor@example.com");
      const corruption = fc.record({
        sort: fc.constantFrom(...sorts),
        at: fc.nat(100),
        remove: fc.nat(10),
        insert: fc.oneof(
          fc.jsonValue().map((value) => JSON.stringify(value)),
          fc.string({ unit: "binary" }),
        ),
        isRaw: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(corruption, async ({ sort, at, remove, insert, isRaw }) => {
          const cursors = await Promise.all(
            rpc.map(async ({ transport, server, token }) => {
              const { data } = await transport.call(
                server.url,
                "task.list",
                { sort, limit: 2 },
                { token },
              );
              const cursor = String(isRecord(data) ? data["next_cursor"] : "");
              const text = isRaw ? cursor : Buffer.from(cursor, "base64url").toString();
              const corrupted = text.slice(0, at) + insert + text.slice(at + remove);
              return isRaw ? corrupted : Buffer.from(corrupted).toString("base64url");
            }),
          );
          // Otherwise the same corruption could be valid on one target only.
          const [cursor] = cursors;
          expect(cursors).toEqual(rpc.map(() => cursor));
          const violations = findViolationsOfRequest(rpc, list, undefined, cursor, (_, target) => {
            const input = { sort, limit: 2, cursor };
            return target.transport.request("task.list", input, { token: target.token });
          });
          expect(await violations).toEqual([]);
        }),
        { ...repeated, numRuns: runs * 3 },
      );
    },
    30_000 + 100 * runs,
  );
});
