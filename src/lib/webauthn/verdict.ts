/** Why a credential is refused. For logs and the audit trail: the response to the client shows one generic code. */
export type Refusal =
  | "malformed_credential"
  | "malformed_client_data"
  | "malformed_attestation_object"
  | "malformed_authenticator_data"
  | "wrong_type"
  | "wrong_challenge"
  | "expired_challenge"
  | "wrong_origin"
  | "cross_origin"
  | "wrong_rp_id"
  | "user_not_present"
  | "user_not_verified"
  | "inconsistent_backup_flags"
  | "wrong_credential_id"
  | "unsupported_key"
  | "wrong_signature";

/** What a verification found, or why it failed. Failures that a client can cause are never exceptions. */
export type Verdict<T> = ({ isVerified: true } & T) | { isVerified: false; reason: Refusal };

export function refuse(reason: Refusal): { isVerified: false; reason: Refusal } {
  return { isVerified: false, reason };
}
