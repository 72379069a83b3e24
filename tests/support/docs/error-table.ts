import { textOf } from "./documents.ts";

interface ContractError {
  status: number;
  code: string;
  detail: string;
}

const page = textOf("tests/contract/CONTRACT.md");

// Some rows add in parentheses when the code applies. "(e.g., …)" is part of the sentence instead.
const note = / \((?!e\.g\.).*$/;

/** The rows of the error table in tests/contract/CONTRACT.md. */
export const contractErrors: readonly ContractError[] = [
  ...page.matchAll(/^\| (?<status>\d{3}) \| (?<code>[A-Z_]+) \| (?<detail>.+) \|$/gm),
].map(({ groups: { status = "", code = "", detail = "" } = {} }) => ({
  status: Number(status),
  code,
  detail: detail.replace(note, ""),
}));

const byCode = new Map(contractErrors.map((row) => [row.code, row]));

/** Returns the row of a code. Throws if the table has none. */
export const contractError = (code: string): ContractError => {
  const row = byCode.get(code);
  if (row === undefined) throw new Error(`CONTRACT.md has no code ${code}`);
  return row;
};
