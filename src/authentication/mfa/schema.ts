import { z } from "@hono/zod-openapi";
import { BY_RECOVERY_CODE, BY_TOTP, MfaToken } from "../factors/schema.ts";

export const VerifyMfa = z
  .discriminatedUnion("method", [
    z.strictObject({ mfa_token: MfaToken, ...BY_TOTP }),
    z.strictObject({ mfa_token: MfaToken, ...BY_RECOVERY_CODE }),
  ])
  .openapi("VerifyMfa", { example: { mfa_token: "rmf_k3Zt…", method: "totp", code: "492039" } });
export type VerifyMfa = z.infer<typeof VerifyMfa>;
