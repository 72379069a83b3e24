import type { Reporter, TestModule } from "vitest/node";

/** Ends a run with one plain line that any program can read. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    for (const testModule of modules) {
      // A file that does not load and a hook that fails have no test to fail, and must not look like a success.
      for (const group of [testModule, ...testModule.children.allSuites()]) {
        if (group.errors().length > 0) counts.failed++;
      }
      for (const test of testModule.children.allTests()) counts[test.result().state]++;
    }
    const skipped = counts.skipped + counts.pending;
    // Vitest prints its own summary after this hook, and this line comes last.
    process.once("exit", () => {
      console.log(
        `${counts.passed} passed, ${counts.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`,
      );
    });
  }
}
