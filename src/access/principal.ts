import type { Proofs } from "./assurance.ts";
import type { SelfScope } from "./permissions.ts";

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
export type UserPrincipal = {
  type: "user";
  sessionId: string;
  expiresAt: number;
  /** How and when the user was authenticated in this session. */
  proofs: Proofs;
  /** Whether the user has a second factor. */
  mfaEnabled: boolean;
} & Authority;

/** A third party that acts for a user with an API key. `selfScopes` are what it may do on that user's own account. */
type KeyPrincipal = {
  type: "api_key";
  keyId: string;
  selfScopes: readonly SelfScope[];
} & Authority;

export type Principal = UserPrincipal | KeyPrincipal;
