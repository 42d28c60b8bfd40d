import { isSelfScope, isSystemPermission } from "../../access/permissions.ts";
import { AppError, type Fault } from "../../errors.ts";

/** A list of permissions as it is stored: sorted, each name once. */
export function toPermissionSet(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}

/** A fault for each name in a list, as sent, that is no permission. `found` are the application's permissions that exist. */
export function findUnknownPermissions(
  field: "permissions" | "scopes",
  names: readonly string[],
  found: readonly { name: string }[],
): Fault[] {
  const isKnown = (name: string) =>
    isSystemPermission(name) || isSelfScope(name) || found.some((one) => one.name === name);
  return names.flatMap((name, index) =>
    isKnown(name)
      ? []
      : [
          {
            path: `${field}.${index}`,
            code: "invalid_value",
            message: "There is no such permission.",
          },
        ],
  );
}

/** Throws `validation_failed` if there are faults. */
export function requireNoFaults(faults: readonly Fault[]): void {
  if (faults.length > 0) throw new AppError("validation_failed", { faults });
}
