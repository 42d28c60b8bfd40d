import { z } from "@hono/zod-openapi";
import { BY_PASSKEY, BY_RECOVERY_CODE, BY_TOTP, MfaToken } from "../factors/schema.ts";

export const ChallengeMfa = z
  .strictObject({ mfa_token: MfaToken, method: z.literal("passkey") })
  .openapi("ChallengeMfa");
export type ChallengeMfa = z.infer<typeof ChallengeMfa>;

export const VerifyMfa = z
  .discriminatedUnion("method", [
    z.strictObject({ mfa_token: MfaToken, ...BY_TOTP }),
    z.strictObject({ mfa_token: MfaToken, ...BY_RECOVERY_CODE }),
    z.strictObject({ mfa_token: MfaToken, ...BY_PASSKEY }),
  ])
  .openapi("VerifyMfa", { example: { mfa_token: "rmf_k3Zt…", method: "totp", code: "492039" } });
export type VerifyMfa = z.infer<typeof VerifyMfa>;
