import { findUniqueViolation, isForeignKeyViolation } from "../../db/errors.ts";
import { AppError, invalidField } from "../../errors.ts";

/** The error for a write that failed: a taken name, a role that does not exist, or the original error. */
export function toConflict(error: unknown): unknown {
  const column = findUniqueViolation(error);
  if (column?.includes("email_key")) return new AppError("email_taken", { cause: error });
  if (column?.includes("username_key")) return new AppError("username_taken", { cause: error });
  if (isForeignKeyViolation(error)) return unknownRole();
  return error;
}

/** A `validation_failed` error for a role that does not exist. */
export function unknownRole(): AppError {
  return invalidField("role", "unknown_role", "There is no role with this name.");
}
