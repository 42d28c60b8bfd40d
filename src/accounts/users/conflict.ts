import { findUniqueViolation, isForeignKeyViolation } from "../../db/errors.ts";
import { AppError, type Fault } from "../../errors.ts";

/** The error for a write that failed: a taken name, a role that does not exist, or the original error. */
export function toConflict(error: unknown): unknown {
  const column = findUniqueViolation(error);
  if (column?.includes("email_key")) return new AppError("email_taken", { cause: error });
  if (column?.includes("username_key")) return new AppError("username_taken", { cause: error });
  if (isForeignKeyViolation(error)) {
    return new AppError("validation_failed", { faults: [UNKNOWN_ROLE], cause: error });
  }
  return error;
}

/** The fault of a role that does not exist. */
export const UNKNOWN_ROLE: Fault = {
  path: "role",
  code: "unknown_role",
  message: "There is no role with this name. GET /v1/roles lists all.",
};
