import type { Reporter, TestModule } from "vitest/node";

/** Prints the counts as the last line of a run, for programs to parse. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    for (const testModule of modules) {
      // A file that does not load and a hook that fails belong to no test: count them as failures of their own.
      for (const group of [testModule, ...testModule.children.allSuites()]) {
        if (group.errors().length > 0) counts.failed++;
      }
      for (const test of testModule.children.allTests()) counts[test.result().state]++;
    }
    const skipped = counts.skipped + counts.pending;
    // Vitest prints its own summary after this hook: wait, so that this line is the last.
    process.once("exit", () => {
      console.log(
        `${counts.passed} passed, ${counts.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`,
      );
    });
  }
}
