import { z } from "@hono/zod-openapi";
import { MAX_TOKEN_LENGTH } from "../http/fields.ts";
import { CurrentPassword } from "../users/password.ts";
import { Email } from "../users/schema.ts";

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
