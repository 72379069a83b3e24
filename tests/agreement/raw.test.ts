import fc from "fast-check";
import {
  fillPath,
  type Operation,
  operationsOf,
  prefix,
} from "@taskwire/server/rest/operations.ts";
import { appRouter } from "@taskwire/server/rpc/router.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { faultsOf, faultsOfEnvelope, faultsOfRaw } from "../support/fuzz/agreement.ts";
import { fieldsOf, goodInput, isRecord } from "../support/fuzz/fields.ts";
import {
  authorizations,
  bodies,
  contentTypes,
  cookies,
  envelopes,
  others,
  pathTexts,
  queries,
} from "../support/fuzz/raw.ts";
import { changeUser, type Target, startTargets } from "../support/fuzz/targets.ts";
import { nonTexts, oddTexts } from "../support/fuzz/values.ts";
import type { HttpRequest } from "../support/client/http.ts";
import { repeated, times } from "../support/setup/property.ts";

const runs = times("FUZZ_RUNS", 20);
/** Of what is tried with every operation, each tries a share of its own, unless time does not matter. */
const share = runs >= 1000 ? 1 : 3;

let targets: Target[];
let rest: Target[];
let rpc: Target[];
/** For what never reaches a database: a target of each transport, and of each database. */
let few: Target[];
beforeAll(async () => {
  targets = await startTargets();
  rest = targets.filter(({ transport }) => transport.name === "REST");
  rpc = targets.filter(({ transport }) => transport.name === "RPC");
  few = [...rest.slice(0, 1), ...rpc.slice(1)];
});
afterAll(() => Promise.all(targets.map(({ server }) => server.close())));

let serial = 0;

const operations = operationsOf(appRouter).map((operation) => [operation.name, operation] as const);

describe.each(operations)("%s", (_, operation: Operation) => {
  const fields = fieldsOf(operation);
  const paths = fields.filter(({ place }) => place === "path");
  const parameters = fields.filter(({ place }) => place === "query").map(({ name }) => name);
  const isQuery = operation.procedure._def.type === "query";
  beforeAll(() => changeUser(targets, `${operation.name}@example.com`));

  /** Tries each value in turn, and expects no fault with any. */
  const expectNoFault = async <Value>(
    values: readonly Value[],
    tried: (value: Value) => readonly Promise<string[]>[],
  ): Promise<void> => {
    const faults: string[] = [];
    const turn = operations.findIndex(([name]) => name === operation.name);
    const some = values.filter((__, i) => (i + turn) % share === 0);
    for (const value of some) faults.push(...(await Promise.all(tried(value))).flat());
    expect(faults).toEqual([]);
  };

  const spoilt = (
    some: readonly Target[],
    how: unknown,
    spoil: (request: HttpRequest, target: Target) => Partial<HttpRequest>,
  ) =>
    faultsOfRaw(some, operation, goodInput(fields, serial++), how, (request, target) => ({
      ...request,
      ...spoil(request, target),
    }));

  test("stands every spelling of a path", async () => {
    for (const { name } of paths) {
      await expectNoFault(pathTexts, (text) => [
        spoilt(rest, text, (_request, { fixture }) => {
          const ids: Record<string, number | string> = { ...fixture };
          const fill = (each: string) => (each === name ? text : String(ids[each]));
          return { path: prefix + fillPath(operation.rest.path, fill) };
        }),
      ]);
    }
  });

  test("stands every spelling of a query", async () => {
    for (const name of parameters.length === 0 ? ["title"] : parameters) {
      await expectNoFault(queries, (query) => [
        spoilt(rest, query.replaceAll("NAME", name), ({ path }) => ({
          path: `${path.split("?", 1)[0]}?${query.replaceAll("NAME", name)}`,
        })),
      ]);
    }
  });

  test("stands every body", async () => {
    const field = fields.find(({ place }) => place === "json" || place === "form")?.name ?? "title";
    await expectNoFault(bodies, (raw) => {
      const body = typeof raw === "string" ? raw.replaceAll("FIELD", field) : raw;
      return (isQuery ? few.slice(0, 1) : few).map((one) => spoilt([one], body, () => ({ body })));
    });
  });

  test("stands every header", async () => {
    const withHeaders = (some: readonly Target[], more: Record<string, string>) =>
      spoilt(some, more, ({ headers }) => ({ headers: { ...headers, ...more } }));
    const isAccess = operation.meta.auth === "access";
    await expectNoFault(
      isAccess
        ? authorizations.map((authorization) => ({ authorization }))
        : cookies.map((cookie) => ({ cookie })),
      (headers: Record<string, string>) => [withHeaders(few, headers)],
    );
    await expectNoFault(
      [...others, ...contentTypes.map((type) => ({ "content-type": type }))],
      (headers) => few.map((one) => withHeaders([one], headers)),
    );
  });

  test("stands every value that only tRPC can say", async () => {
    const named = [
      ...paths.map(({ name }) => name),
      ...parameters,
      ...(operation.rest.hidden ?? []),
    ];
    for (const name of named) {
      await expectNoFault([...nonTexts, ...oddTexts], (value) => [
        faultsOf(rpc, operation, { ...goodInput(fields, serial++), [name]: value }),
      ]);
    }
  });

  test("stands every envelope of tRPC's", async () => {
    await expectNoFault(envelopes, (envelope) => {
      const path = `/trpc/${envelope.replaceAll("NAME", operation.name)}`;
      return ["GET", "POST"].map((method) => faultsOfEnvelope(few.slice(1), method, path));
    });
  });
});

describe("a cursor", () => {
  const list = operations.find(([name]) => name === "task.list")?.[1];
  const sorts = [undefined, "due_date", "-due_date", "priority", "created_at", "title", "-title"];

  test(
    "that somebody changed is refused, or a place in the list",
    async () => {
      if (list === undefined) throw new Error("No task.list");
      await changeUser(targets, "cursor@example.com");
      const change = fc.record({
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
        fc.asyncProperty(change, async ({ sort, at, remove, insert, isRaw }) => {
          const given = await Promise.all(
            rpc.map(async ({ transport, server, token }) => {
              const { data } = await transport.call(
                server.url,
                "task.list",
                { sort, limit: 2 },
                { token },
              );
              const cursor = String(isRecord(data) ? data["next_cursor"] : "");
              const text = isRaw ? cursor : Buffer.from(cursor, "base64url").toString();
              const changed = text.slice(0, at) + insert + text.slice(at + remove);
              return isRaw ? changed : Buffer.from(changed).toString("base64url");
            }),
          );
          const faults = faultsOfRaw(rpc, list, undefined, given, (_request, target) => {
            const cursor = given[rpc.indexOf(target)];
            return target.transport.request(
              "task.list",
              { sort, limit: 2, cursor },
              { token: target.token },
            );
          });
          expect(await faults).toEqual([]);
        }),
        { ...repeated, numRuns: runs * 3 },
      );
    },
    30_000 + 100 * runs,
  );
});
