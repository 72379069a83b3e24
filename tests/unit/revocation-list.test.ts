import { createRevocationList } from "@taskwire/server/security/revocation-list.ts";
import { expect, test } from "vitest";
import { testClock } from "../support/setup/server.ts";

test("a session stays in the list for the lifetime of its access tokens, and is forgotten at the next addition after it", () => {
  const clock = testClock();
  const list = createRevocationList(905, clock.now);
  const has = () => ["first", "second", "third"].filter(list.has);
  list.add(["first"]);
  clock.advance(400);
  list.add(["second"]);
  clock.advance(504);
  list.add([]);
  expect(has()).toEqual(["first", "second"]);
  clock.advance(1);
  list.add(["third"]);
  expect(has()).toEqual(["second", "third"]);
  clock.advance(905);
  list.add([]);
  expect(has()).toEqual([]);
});

test("adding a session again does not keep it longer", () => {
  const clock = testClock();
  const list = createRevocationList(905, clock.now);
  list.add(["sid"]);
  clock.advance(10);
  list.add(["sid"]);
  clock.advance(895);
  list.add([]);
  expect(list.has("sid")).toBe(false);
});
