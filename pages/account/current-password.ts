import { isProblem } from "roster-client";
import { faultOf } from "../shared/problem.ts";

/** Runs an operation that takes the current password. A wrong one is a fault of its field. */
export async function withCurrentPassword<T>(call: Promise<T>, message: string): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!isProblem(error, "invalid_credentials")) throw error;
    throw faultOf("current_password", message);
  }
}
