import { z } from "@hono/zod-openapi";
import { BY_EMAIL_CODE, BY_PASSKEY, BY_RECOVERY_CODE, BY_TOTP } from "../factors/schema.ts";
import { CurrentPassword } from "../passwords/rules.ts";
import { Tokens } from "../sessions/schema.ts";

const ByPassword = z.strictObject({ method: z.literal("password"), password: CurrentPassword });

export const ChallengeStepUp = z
  .strictObject({ method: z.enum(["passkey", "email_code"]) })
  .openapi("ChallengeStepUp", { example: { method: "passkey" } });

export const StepUp = z
  .discriminatedUnion("method", [
    ByPassword,
    z.strictObject(BY_TOTP),
    z.strictObject(BY_RECOVERY_CODE),
    z.strictObject(BY_EMAIL_CODE),
    z.strictObject(BY_PASSKEY),
  ])
  .openapi("StepUp", { example: { method: "password", password: "SecurePass123!" } });
export type StepUp = z.infer<typeof StepUp>;

const { access_token, token_type, expires_in } = Tokens.shape;

export const SteppedUp = z
  .object({
    access_token,
    token_type,
    expires_in,
    acr: z.enum(["aal1", "aal2"]).openapi({
      description:
        "What the recent authentications amount to: `aal2` for two factors. If it is `aal1` and the account has a second factor, use " +
        "another method, too.",
    }),
    auth_time: z.int().openapi({
      description:
        "The time of this authentication, as in the token: seconds since the Unix epoch.",
      example: 1_795_161_600,
    }),
  })
  .openapi("SteppedUp");
