export { AuthError, type AuthErrorCode } from "./auth-error.ts";
export type { IntrospectOptions } from "./introspect.ts";
export type { Principal } from "./principal.ts";
export {
  createVerifier,
  requirePermissions,
  type VerifierOptions,
  type Verify,
} from "./verifier.ts";
