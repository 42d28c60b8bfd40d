/** Whom a credential stands for, and what it may do: for a session what the user's role grants, for a key its scopes of that. */
interface Authority {
  userId: string;
  role: string;
  permissions: readonly string[];
}

/** Someone in person: logged in, with an access token. */
export type UserPrincipal = { type: "user"; sessionId: string } & Authority;

/** A third party on someone's behalf, with an API key. */
export type KeyPrincipal = { type: "api_key"; keyId: string } & Authority;

export type Principal = UserPrincipal | KeyPrincipal;
