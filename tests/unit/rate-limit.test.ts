import { bucketOf } from "@taskwire/server/security/rate-limit.ts";
import { expect, test } from "vitest";

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::ffff:c000:201", "192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:DB8:1:2::", "2001:db8:1:2::/64"],
  ["2001:db8:1:3::1", "2001:db8:1:3::/64"],
  ["::1", "0:0:0:0::/64"],
  ["", "unknown"],
  ["abc", "unknown"],
  ["1.2.3.4:99", "unknown"],
  ["localhost", "unknown"],
])("%j counts as %s", (address, bucket) => {
  expect(bucketOf(address)).toBe(bucket);
});
