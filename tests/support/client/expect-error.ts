import { errors, type ErrorCode } from "@taskwire/shared";
import { expect } from "vitest";
import type { CallResponse } from "./transports.ts";

/** Expects an error of the error table: status, code, its public sentence, and the field if one is passed. */
export const expectError = (
  response: CallResponse,
  status: number,
  code: ErrorCode,
  field?: string,
): void => {
  expect({ status: response.status, ...response.error }).toMatchObject({
    status,
    code,
    ...(field === undefined ? {} : { field }),
  });
  if (code !== "VALIDATION_ERROR") expect(response.error?.detail).toBe(errors[code].detail);
};
