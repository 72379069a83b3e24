import { isIPv4 } from "node:net";
import ipaddr from "ipaddr.js";

/**
 * Returns the key under which a client address is counted: an IPv6 address by its /64 network, because one subscriber has
 * all of it, and an IPv4-mapped address as IPv4. Everything that is not an address shares the key "unknown".
 */
export const bucketOf = (address: string): string => {
  // Every call gets here, and nearly all have such an address.
  if (isIPv4(address)) return address;
  if (!ipaddr.isValid(address)) return "unknown";
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  return `${parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(":")}::/64`;
};
