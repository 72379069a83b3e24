import { errors, type ErrorCode } from "@taskwire/shared";
import { expect } from "vitest";
import type { Answer } from "./transports.ts";

/** A refusal of the table: status, code, sentence, and the field if there is one. */
export const expectError = (
  answer: Answer,
  status: number,
  code: ErrorCode,
  field?: string,
): void => {
  expect({ status: answer.status, ...answer.error }).toMatchObject({
    status,
    code,
    ...(field === undefined ? {} : { field }),
  });
  if (code !== "VALIDATION_ERROR") expect(answer.error?.detail).toBe(errors[code].detail);
};
