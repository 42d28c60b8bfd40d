import { z } from "@hono/zod-openapi";
import { OneTimeToken } from "../one-time-tokens/schema.ts";
import { CurrentPassword, NewPassword, withPasswordRules } from "./rules.ts";

export const ForgotPassword = z
  .strictObject({ email: z.string().min(1).max(320).openapi({ example: "ada@example.com" }) })
  .openapi("ForgotPassword");

export const ResetPassword = withPasswordRules(
  z.strictObject({ token: OneTimeToken, password: NewPassword }),
  "password",
).openapi("ResetPassword");
export type ResetPassword = z.infer<typeof ResetPassword>;

export const ChangePassword = withPasswordRules(
  z.strictObject({ current_password: CurrentPassword, new_password: NewPassword }),
  "new_password",
).openapi("ChangePassword");
export type ChangePassword = z.infer<typeof ChangePassword>;
