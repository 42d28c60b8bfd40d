import { send } from "../support/api.ts";
import { fetchDocument, type Operation, operationsOf } from "../support/openapi.ts";
import { readAccessTable } from "./access-table.ts";

/** The OpenAPI document. */
export const document = await fetchDocument();
/** The rows of the table, by operation. */
export const table = new Map(readAccessTable().map((row) => [row.operation, row] as const));

/** Every documented operation with its row of the table, whose rule is used instead of the document's. */
export const operations = operationsOf(document).flatMap((operation) => {
  const row = table.get(operation.name);
  return row ? [{ ...operation, access: row.rule, row }] : [];
});
/** Those that need a credential. */
export const restricted = operations.filter(({ access }) => access.kind !== "public");
/** Operations as the cases of `it.each`. */
export const cases = <T extends Operation>(list: readonly T[]) =>
  list.map((one) => [one.name, one] as const);

type SystemRole = { name: string; permissions: string[]; is_system: boolean };

/** The permissions of each system role, read by an administrator. */
export async function readSystemRoles(token: string): Promise<Record<string, string[]>> {
  const { data } = (await send("/v1/roles?limit=100", { token })).body;
  const system = (data as SystemRole[]).filter(({ is_system }) => is_system);
  return Object.fromEntries(system.map(({ name, permissions }) => [name, permissions]));
}
