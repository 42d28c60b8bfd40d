import { z } from "@hono/zod-openapi";
import {
  MAX_TOKEN_LENGTH,
  opaqueText,
  Timestamp,
  text,
  VISIBLE_PATTERN,
} from "../../http/fields.ts";
import { pageOf } from "../../http/pagination.ts";
import { Id, idParam } from "../../http/params.ts";
import { toTimestamp, toTimestampOrNull } from "../../lib/time.ts";
import { AuthenticationCredential, RegistrationCredential } from "../passkeys/schema.ts";
import type { AddedFactor } from "./enrollment.ts";
import type { FactorRow } from "./repository.ts";
import type { NewTotp } from "./totp.ts";

/** The `mfa_token` of a half-finished login. */
export const MfaToken = opaqueText(MAX_TOKEN_LENGTH).openapi({ example: "rmf_k3Zt…" });

/** The `mfa_token` with which the first factor is added. */
const EnrollmentToken = MfaToken.openapi("EnrollmentToken", {
  description:
    "The token of `mfa_enrollment_required`, instead of an access token. The confirmation of the factor spends it: log in again then.",
}).optional();

/** The name that a user gives a factor. */
const FactorName = text(100)
  .min(1)
  .openapi({ pattern: VISIBLE_PATTERN.replace("^", "^(?=.*[^ ])"), example: "Phone" });

/** A code that people read and type. Any other text is refused as a wrong code (401), not as invalid input (422). */
const Code = opaqueText(64);

const TotpCode = Code.openapi({
  description: "The six digits that the authenticator app shows. Each code works once.",
  example: "492039",
});

const RecoveryCode = Code.openapi({
  description:
    "A recovery code, in upper or lower case, with or without hyphens. Each code works once.",
  example: "4k7d-q2m9-x0vb-tn3e",
});

/** The second factors that a login or a step-up can be confirmed with, by `method`. */
export const BY_TOTP = { method: z.literal("totp"), code: TotpCode };
export const BY_RECOVERY_CODE = { method: z.literal("recovery_code"), code: RecoveryCode };

export const BY_PASSKEY = { method: z.literal("passkey"), credential: AuthenticationCredential };

/** A code from an email confirms a step-up, but never a login: a mailbox is no second factor. */
export const BY_EMAIL_CODE = {
  method: z.literal("email_code"),
  code: Code.openapi({ description: "The six digits from the email.", example: "492039" }),
};

/** A proof other than a password as it is sent. */
export type SentFactor =
  | { method: "totp"; code: string }
  | { method: "recovery_code"; code: string }
  | { method: "email_code"; code: string }
  | { method: "passkey"; credential: z.infer<typeof AuthenticationCredential> };

export const FactorParams = z.strictObject({ id: idParam("id", "The id of the factor.") });

export const AddTotp = z
  .strictObject({ name: FactorName.default("Authenticator app"), mfa_token: EnrollmentToken })
  .openapi("AddTotp", { example: { name: "Phone" } });
export type AddTotp = z.infer<typeof AddTotp>;

export const ConfirmTotp = z
  .strictObject({
    id: Id.openapi({ description: "The `id` that came with the secret.", format: "uuid" }),
    code: TotpCode,
    mfa_token: EnrollmentToken,
  })
  .openapi("ConfirmTotp", {
    example: { id: "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11", code: "492039" },
  });
export type ConfirmTotp = z.infer<typeof ConfirmTotp>;

export const OfferPasskey = z.strictObject({ mfa_token: EnrollmentToken }).openapi("OfferPasskey");

export const AddPasskey = z
  .strictObject({
    name: FactorName,
    credential: RegistrationCredential,
    mfa_token: EnrollmentToken,
  })
  .openapi("AddPasskey");
export type AddPasskey = z.infer<typeof AddPasskey>;

export const RenameFactor = z.strictObject({ name: FactorName }).partial().openapi("RenameFactor");

export const TotpSecret = z
  .object({
    id: z.uuid(),
    secret: z.string().openapi({
      description: "The secret in base32, shown only in this response.",
      example: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    }),
    otpauth_url: z.string().openapi({
      description: "The secret for a QR code, shown only in this response.",
      example: "otpauth://totp/Roster:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Roster",
    }),
    expires_at: Timestamp.openapi({ description: "Until when the app can be confirmed." }),
  })
  .openapi("TotpSecret");

export const Factor = z
  .object({
    id: z.uuid(),
    type: z.enum(["totp", "passkey"]),
    name: z.string().openapi({ example: "Phone" }),
    created_at: Timestamp,
    last_used_at: Timestamp.nullable(),
    backed_up: z.boolean().nullable().openapi({
      description: "Whether a passkey is synced to other devices. Null for an authenticator app.",
    }),
  })
  .openapi("Factor");
export const FactorPage = pageOf(Factor, "FactorPage");

const CodeList = z.array(z.string()).openapi({
  description:
    "Ten codes, each of which replaces the second factor once. Shown only in this response.",
  example: ["4k7d-q2m9-x0vb-tn3e"],
});

export const ConfirmedFactor = z
  .object({
    factor: Factor,
    recovery_codes: CodeList.optional().openapi({
      description:
        "Ten codes, each of which replaces the second factor once. Present with the first factor only.",
    }),
  })
  .openapi("ConfirmedFactor");

export const RecoveryCodes = z.object({ recovery_codes: CodeList }).openapi("RecoveryCodes");

export const RemainingCodes = z
  .object({ remaining: z.int().openapi({ description: "How many codes are left.", example: 10 }) })
  .openapi("RemainingCodes");

/** A factor as the API shows it. */
export function presentFactor(row: FactorRow): z.infer<typeof Factor> {
  return {
    id: row.id,
    type: row.type,
    name: row.name,
    created_at: toTimestamp(row.createdAt),
    last_used_at: toTimestampOrNull(row.lastUsedAt),
    backed_up: row.isBackedUp,
  };
}

/** The response to the confirmation of a factor. */
export function presentAddedFactor({ factor, recoveryCodes }: AddedFactor) {
  return {
    factor: presentFactor(factor),
    ...(recoveryCodes && { recovery_codes: recoveryCodes }),
  };
}

/** The response with the secret of an authenticator app. */
export function presentNewTotp({ id, secret, otpauthUrl, expiresAt }: NewTotp) {
  const body = { id, secret, otpauth_url: otpauthUrl, expires_at: toTimestamp(expiresAt) };
  return { status: 201 as const, headers: {}, body };
}

/** The response with a new passkey. */
export function presentNewPasskey(added: AddedFactor) {
  return { status: 201 as const, headers: {}, body: presentAddedFactor(added) };
}

/** The response with new recovery codes. */
export function presentRecoveryCodes(recovery_codes: string[]) {
  return { status: 201 as const, headers: {}, body: { recovery_codes } };
}
