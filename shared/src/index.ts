export { AppError, errorCodes, errors, type ErrorBody, type ErrorCode } from "./errors.ts";
export {
  loginInput,
  message,
  passwordChange,
  passwordConfirmation,
  registerInput,
  token,
  user,
} from "./schemas/auth.ts";
export { dateTime, maxId, nothing } from "./schemas/common.ts";
export { sessionId, sessionList } from "./schemas/session.ts";
export { tag, tagId, tagList, tagWrite } from "./schemas/tag.ts";
export {
  priorities,
  type Priority,
  task,
  taskAndTagId,
  taskCreate,
  taskId,
  taskListInput,
  taskPage,
  taskPageWithCursor,
  taskPatch,
  taskReplace,
} from "./schemas/task.ts";
