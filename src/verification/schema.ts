import { z } from "@hono/zod-openapi";
import { CurrentPassword } from "../users/password.ts";
import { Email } from "../users/schema.ts";

export const OneTimeToken = z
  .string()
  .min(1)
  .max(512)
  .openapi({ description: "From the link in the mail.", example: "rot_pSxk…" });

export const VerifyEmail = z.strictObject({ token: OneTimeToken }).openapi("VerifyEmail");

export const ChangeEmail = z
  .strictObject({ email: Email, current_password: CurrentPassword })
  .openapi("ChangeEmail");
export type ChangeEmail = z.infer<typeof ChangeEmail>;
