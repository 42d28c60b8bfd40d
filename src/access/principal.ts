/** Whom a credential stands for, and what it may do: for a session what the user's role grants, for a key its scopes of that. */
interface Authority {
  userId: string;
  role: string;
  permissions: readonly string[];
  /** The user's data key, wrapped, where D1 was asked; what audit rows say of them is sealed under it. */
  dataKey: string | null;
}

/** Someone in person: logged in, with an access token. */
export type UserPrincipal = { type: "user"; sessionId: string } & Authority;

/** A third party on someone's behalf, with an API key. */
export type KeyPrincipal = { type: "api_key"; keyId: string } & Authority;

export type Principal = UserPrincipal | KeyPrincipal;

/** True for someone acting on themselves in person. An API key has nothing of its own: to it its owner is a user like any other. */
export function isSelf(principal: Principal, userId: string): boolean {
  return principal.type === "user" && principal.userId === userId;
}
