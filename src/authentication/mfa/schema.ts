import { z } from "@hono/zod-openapi";
import { BY_PASSKEY, BY_RECOVERY_CODE, BY_TOTP, MfaToken } from "../factors/schema.ts";
import { StaySignedIn } from "../sessions/schema.ts";

export const ChallengeMfa = z
  .strictObject({ mfa_token: MfaToken, method: z.literal("passkey") })
  .openapi("ChallengeMfa");
export type ChallengeMfa = z.infer<typeof ChallengeMfa>;

const LOGIN = { mfa_token: MfaToken, stay_signed_in: StaySignedIn };

export const VerifyMfa = z
  .discriminatedUnion("method", [
    z.strictObject({ ...LOGIN, ...BY_TOTP }),
    z.strictObject({ ...LOGIN, ...BY_RECOVERY_CODE }),
    z.strictObject({ ...LOGIN, ...BY_PASSKEY }),
  ])
  .openapi("VerifyMfa", { example: { mfa_token: "rmf_k3Zt…", method: "totp", code: "492039" } });
export type VerifyMfa = z.infer<typeof VerifyMfa>;
