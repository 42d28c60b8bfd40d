import { createApp } from "../../src/app.ts";
import { buildOpenApiDocument } from "../../src/operations/openapi.ts";
import { createComparison, type Exchange } from "./comparison.ts";

let compare: ReturnType<typeof createComparison> | undefined;
const violations = new Set<string>();
const reached = new Set<string>();

/** How responses differed from the OpenAPI document since the last call. */
export function takeViolations(): string[] {
  const found = [...violations];
  violations.clear();
  return found;
}

/** The documented operations and statuses that responses have had since the last call, such as `GET /health 200`. */
export function takeReached(): string[] {
  const pairs = [...reached];
  reached.clear();
  return pairs;
}

/** Compares a response with the OpenAPI document. `takeViolations` returns the differences. */
export function checkDocumented(exchange: Exchange): void {
  compare ??= createComparison(JSON.parse(JSON.stringify(buildOpenApiDocument(createApp()))));
  const { operation, faults } = compare(exchange);
  const where = `${operation ?? `${exchange.method} ${exchange.path}`} ${exchange.status}`;
  if (operation) reached.add(where);
  for (const fault of faults) violations.add(`${where}: ${fault}`);
}
