/** What is kept of a session. */
export interface StoredTokens {
  access_token: string;
  /** Absent if the refresh token is in a cookie. */
  refresh_token: string | undefined;
  /** When the access token expires, in milliseconds since the Unix epoch. */
  expires_at: number;
}

/**
 * Where the tokens of a session are kept, so that it goes on after a restart. Whoever can read it can act as the person. Clients that
 * share a storage share the session.
 */
export interface TokenStorage {
  load(): StoredTokens | undefined | Promise<StoredTokens | undefined>;
  /** Replaces the tokens; undefined removes them. */
  save(tokens: StoredTokens | undefined): void | Promise<void>;
}
