import { z } from "@hono/zod-openapi";
import { Email } from "../../http/identifiers.ts";
import { OneTimeToken } from "../one-time-tokens/schema.ts";
import { CurrentPassword } from "../passwords/rules.ts";

export const VerifyEmail = z.strictObject({ token: OneTimeToken }).openapi("VerifyEmail");

export const DisownEmail = z.strictObject({ token: OneTimeToken }).openapi("DisownEmail");

export const ChangeEmail = z
  .strictObject({
    email: Email,
    current_password: CurrentPassword.optional().openapi({
      description: "Required for accounts with a password, and ignored for all others.",
    }),
  })
  .openapi("ChangeEmail", {
    example: { email: "ada@example.com", current_password: "SecurePass123!" },
  });
export type ChangeEmail = z.infer<typeof ChangeEmail>;
