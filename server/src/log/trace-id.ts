/** W3C Trace Context: version, trace id, parent id, flags. A later version than 00 may append fields. */
const traceparent =
  /^(?!ff)(?<version>[0-9a-f]{2})-(?<traceId>[0-9a-f]{32})-(?<parentId>[0-9a-f]{16})-[0-9a-f]{2}(?<rest>-.*)?$/;

const isZero = (hex: string): boolean => /^0+$/.test(hex);

/** Returns the trace id of a `traceparent` header, or undefined if the header is missing or not valid. */
export const traceIdIn = (header: string | undefined): string | undefined => {
  if (header === undefined) return undefined;
  const { version, traceId = "", parentId = "", rest } = traceparent.exec(header)?.groups ?? {};
  if (traceId === "" || isZero(traceId) || isZero(parentId)) return undefined;
  return version === "00" && rest !== undefined ? undefined : traceId;
};
