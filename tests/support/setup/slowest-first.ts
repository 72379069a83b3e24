import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The projects, those with the slowest files first. */
const projects = ["process", "faults", "pglite", "agreement", "postgres", "unit"];

/** Starts the slowest files first, so that no worker has one of them left when the others have finished. */
export default class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- The method of the sequencer, not of an array.
    const sorted = await super.sort(files);
    const rank = ({ project }: TestSpecification): number => projects.indexOf(project.name);
    return sorted.toSorted((one, another) => rank(one) - rank(another));
  }
}
