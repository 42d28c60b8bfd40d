import { z } from "@hono/zod-openapi";
import { Email } from "../../accounts/users/schema.ts";
import { MAX_TOKEN_LENGTH } from "../../http/fields.ts";
import { CurrentPassword } from "../passwords/rules.ts";

export const OneTimeToken = z
  .string()
  .min(1)
  .max(MAX_TOKEN_LENGTH)
  .openapi({ description: "From the link in the mail.", example: "rot_pSxk…" });

export const VerifyEmail = z.strictObject({ token: OneTimeToken }).openapi("VerifyEmail");

export const ChangeEmail = z
  .strictObject({ email: Email, current_password: CurrentPassword })
  .openapi("ChangeEmail");
export type ChangeEmail = z.infer<typeof ChangeEmail>;
