import { z } from "@hono/zod-openapi";
import { Email } from "../../http/identifiers.ts";
import { OneTimeToken } from "../one-time-tokens/schema.ts";
import { CurrentPassword, NewPassword } from "./rules.ts";

export const ForgotPassword = z
  .strictObject({
    email: Email.openapi({ description: "The address of the account." }),
  })
  .openapi("ForgotPassword");

export const ResetPassword = z
  .strictObject({ token: OneTimeToken, password: NewPassword })
  .openapi("ResetPassword");
export type ResetPassword = z.infer<typeof ResetPassword>;

export const SetPassword = z.strictObject({ new_password: NewPassword }).openapi("SetPassword");
export type SetPassword = z.infer<typeof SetPassword>;

export const ChangePassword = z
  .strictObject({ current_password: CurrentPassword, new_password: NewPassword })
  .openapi("ChangePassword");
export type ChangePassword = z.infer<typeof ChangePassword>;
