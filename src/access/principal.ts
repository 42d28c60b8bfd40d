/** The user behind a credential, and what the credential may do: for a session what the user's role grants, for a key its scopes of that. */
interface Authority {
  userId: string;
  username: string;
  role: string;
  permissions: readonly string[];
  /** The user's wrapped data key: what audit events hold of them is sealed under it. */
  dataKey: string | null;
}

/** A person who is logged in and sent an access token. */
export type UserPrincipal = { type: "user"; sessionId: string; expiresAt: number } & Authority;

/** A third party that acts for a user with an API key. */
type KeyPrincipal = { type: "api_key"; keyId: string } & Authority;

export type Principal = UserPrincipal | KeyPrincipal;

/** True for a person acting on their own account. An API key has nothing of its own: its owner is a user like any other. */
export function isSelf(principal: Principal, userId: string): boolean {
  return principal.type === "user" && principal.userId === userId;
}
