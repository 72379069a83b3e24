/** A fault that whoever runs the executable can mend: the message says how, and a stack trace would only hide it. */
export class OperatorError extends Error {
  override readonly name = "OperatorError";
}
