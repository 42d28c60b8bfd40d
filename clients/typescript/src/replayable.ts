/** The paths whose POST takes an `Idempotency-Key`. Written by `npm run types:api`. */
export const REPLAYABLE: ReadonlySet<string> = new Set([
  "/v1/auth/register",
  "/v1/auth/factors/totp",
  "/v1/auth/recovery-codes",
  "/v1/auth/factors/passkeys",
  "/v1/users/import",
  "/v1/users",
  "/v1/permissions",
  "/v1/roles",
  "/v1/api-keys",
  "/v1/api-keys/{id}/rotate",
]);
