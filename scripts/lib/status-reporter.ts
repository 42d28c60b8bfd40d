import type { Reporter, TestModule, TestRunEndReason, Vitest } from "vitest/node";
import { UNREACHED } from "../../test/conformance/unreached.ts";
import type { OpenApiDocument } from "../../test/support/openapi-document.ts";
import { findStatusFaults } from "./status-faults.ts";

const DOCUMENT = new URL("document.ts", import.meta.url).href;

/**
 * Fails a run of all tests in which no response had a status that the OpenAPI document has for an operation. The exceptions are in
 * `test/conformance/unreached.ts`, and it fails as well if one of them was reached.
 */
export class StatusReporter implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  async onTestRunEnd(
    modules: readonly TestModule[],
    _: unknown,
    reason: TestRunEndReason,
  ): Promise<void> {
    if (reason !== "passed" || !(await this.#isWhole(modules))) return;
    const reached = new Set(modules.flatMap((module) => module.meta().reached ?? []));
    const excepted = new Set(UNREACHED.flatMap(({ pairs }) => pairs));
    const faults = findStatusFaults({ documented: await listDocumented(), reached, excepted });
    if (faults.length === 0) return;
    console.error(`\nStatuses of the OpenAPI document:\n${faults.join("\n")}`);
    process.exitCode = 1;
  }

  /** Whether all test files have run, and all of their tests. */
  async #isWhole(modules: readonly TestModule[]): Promise<boolean> {
    if (!this.#vitest || this.#vitest.config.testNamePattern) return false;
    const files = await this.#vitest.globTestSpecifications([]);
    return modules.length === files.length;
  }
}

async function listDocumented(): Promise<Set<string>> {
  // Loaded by Node itself: with a static import, the sources of the worker would become part of the configuration of Vite.
  const { buildDocument }: typeof import("./document.ts") = await import(DOCUMENT);
  const { paths } = (await buildDocument()) as OpenApiDocument;
  const pairs = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { responses }]) =>
      Object.keys(responses).map((status) => `${method.toUpperCase()} ${path} ${status}`),
    ),
  );
  return new Set(pairs);
}
