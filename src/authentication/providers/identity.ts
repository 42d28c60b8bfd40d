import type { ProviderState } from "./state.ts";

/** The longest name of a person that is taken from a provider. */
export const MAX_NAME_LENGTH = 200;

/** The longest address that is taken from a provider (RFC 5321). */
export const MAX_EMAIL_LENGTH = 254;

/** What a provider sent to the callback, with the state that was read from it. */
export interface ProviderCallback {
  state: ProviderState;
  /** The query, or the form that Apple sends. */
  parameters: URLSearchParams;
}

/** Who logged in with a provider, as the provider says. Issuer and subject identify the person; an address never does. */
export interface ProviderIdentity {
  issuer: string;
  subject: string;
  /** As the provider has it, neither normalized nor validated. Longer texts are left out. */
  email?: string | undefined;
  /** Whether the provider vouches for the address. */
  isEmailVerified: boolean;
  /** What the provider calls the person. */
  name?: string | undefined;
  /** When the provider authenticated the person, in milliseconds. */
  authenticatedAt?: number | undefined;
}
