export { AppError, errorCodes, errors, type ErrorBody, type ErrorCode } from "./errors.ts";
export { loginInput, message, registerInput, token, user } from "./schemas/auth.ts";
