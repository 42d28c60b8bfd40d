import { isSelfScope, isSystemPermission } from "../../access/permissions.ts";
import type { Fault } from "../../errors.ts";

/** A list of permissions as it is stored: sorted, each name once. */
export function toPermissionSet(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}

/**
 * Which names in a list, as sent, are permissions, and a fault for each that is none. `found` are the application's permissions
 * that exist. Only scopes can be `me:read` or `me:write`.
 */
export function sortPermissions(
  field: "permissions" | "scopes",
  names: readonly string[],
  found: readonly { name: string }[],
): { known: string[]; faults: Fault[] } {
  const isKnown = (name: string) =>
    isSystemPermission(name) ||
    (field === "scopes" && isSelfScope(name)) ||
    found.some((one) => one.name === name);
  const message = "There is no such permission. GET /v1/permissions lists all.";
  const faults = names.flatMap((name, index): Fault[] =>
    isKnown(name) ? [] : [{ path: `${field}.${index}`, code: "invalid_value", message }],
  );
  return { known: names.filter(isKnown), faults };
}
