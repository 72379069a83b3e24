import { readFileSync } from "node:fs";
import { join } from "node:path";

interface ContractError {
  status: number;
  code: string;
  detail: string;
}

const page = readFileSync(join(import.meta.dirname, "../../contract/CONTRACT.md"), "utf8");

// Some rows say after their sentence when the code applies; an example belongs to the sentence.
const note = / \((?!e\.g\.).*$/;

/** The error table of the project's own copy of CONTRACT.md, row by row. */
export const contractErrors: readonly ContractError[] = [
  ...page.matchAll(/^\| (?<status>\d{3}) \| (?<code>[A-Z_]+) \| (?<detail>.+) \|$/gm),
].map(({ groups: { status = "", code = "", detail = "" } = {} }) => ({
  status: Number(status),
  code,
  detail: detail.replace(note, ""),
}));

const byCode = new Map(contractErrors.map((row) => [row.code, row]));

/** The row of a code. */
export const contractError = (code: string): ContractError => {
  const row = byCode.get(code);
  if (row === undefined) throw new Error(`${code} is no code of CONTRACT.md`);
  return row;
};
