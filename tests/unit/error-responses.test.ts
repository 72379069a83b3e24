import { errorFromHttp } from "@taskwire/server/http/error-responses.ts";
import { describe, expect, test } from "vitest";

describe("an error of a plugin", () => {
  test.each([
    [400, "VALIDATION_ERROR"],
    [403, "NOT_FOUND"],
    [404, "NOT_FOUND"],
    [405, "METHOD_NOT_ALLOWED"],
    [408, "VALIDATION_ERROR"],
    [412, "VALIDATION_ERROR"],
    [413, "PAYLOAD_TOO_LARGE"],
    [415, "UNSUPPORTED_MEDIA_TYPE"],
    [416, "VALIDATION_ERROR"],
    [499, "VALIDATION_ERROR"],
    [500, "INTERNAL_ERROR"],
    [undefined, "INTERNAL_ERROR"],
  ])("with the status %s becomes %s, without its message", (statusCode, code) => {
    const error = errorFromHttp(Object.assign(new Error("internal words"), { statusCode }));
    expect(error.code).toBe(code);
    expect(error.detail).not.toContain("internal words");
  });
});
