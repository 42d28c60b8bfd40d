import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";

/**
 * Runs a step of a login and counts its refusal in `roster_logins_total`, by error code. Every way to log in goes through this;
 * `beginSession` counts the successes.
 */
export async function countRefusal<T>(ctx: Context, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof AppError) ctx.count("roster_logins_total", { result: error.code });
    throw error;
  }
}
