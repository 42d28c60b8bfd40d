/**
 * The user behind a credential, and the permissions of the credential: for a session those of the user's role, for an API key those
 * of its scopes that the role also grants.
 */
interface Authority {
  userId: string;
  username: string;
  role: string;
  permissions: readonly string[];
  /** The user's wrapped data key. It seals their personal data in audit events. */
  dataKey: string | null;
}

/** A logged-in user, who sent an access token. */
export type UserPrincipal = { type: "user"; sessionId: string; expiresAt: number } & Authority;

/** A third party that acts for a user with an API key. */
type KeyPrincipal = { type: "api_key"; keyId: string } & Authority;

export type Principal = UserPrincipal | KeyPrincipal;

/** True if a logged-in user acts on their own account. Always false for an API key, to which its owner is a user like any other. */
export function isSelf(principal: Principal, userId: string): boolean {
  return principal.type === "user" && principal.userId === userId;
}
