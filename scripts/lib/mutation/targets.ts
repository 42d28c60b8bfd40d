/** Sources that are mutated together, and the tests that must notice. */
export interface Target {
  name: string;
  /** Patterns of the sources. */
  sources: readonly string[];
  /** Folders and files of the tests about these sources. */
  near: readonly string[];
  /** What runs if the tests nearby notice nothing. */
  wide: readonly string[];
}

/** The security-critical folders. Schemas are left out: the OpenAPI document is compared with every response. */
export const TARGETS: readonly Target[] = [
  {
    name: "access",
    sources: ["src/access/*.ts"],
    near: [
      "test/roles/effect",
      "test/roles/races",
      "test/api-keys/use",
      "test/api-keys/owner",
      "test/sessions/immediate-effect",
      "test/second-factors/step-up",
      "test/operations/revocation-epoch",
      "test/users/role",
      "test/api-keys/own-account",
      "test/replicas",
      "test/second-factors/half-finished",
      "test/http/problems",
      "test/bulk",
    ],
    wide: ["test/conformance", "test/api-keys", "test/users", "test/roles", "test/second-factors"],
  },
  {
    name: "authentication/sessions",
    sources: ["src/authentication/sessions/*.ts", "src/authentication/introspection/*.ts"],
    near: [
      "test/guarantees/lost-authority",
      "test/sessions",
      "test/mail/kinds",
      "test/auth/refresh",
      "test/auth/logout",
      "test/auth/login.test",
      "test/auth/lockout",
      "test/roles/require-mfa",
      "test/budgets/authentication",
    ],
    wide: ["test/auth", "test/users", "test/analytics", "test/operations"],
  },
  {
    name: "origin check of the cookie",
    sources: ["src/authentication/sessions/refresh-cookie.ts"],
    near: ["test/sessions/refresh-by-cookie", "test/sessions/stay-signed-in"],
    wide: ["test/sessions", "test/auth"],
  },
  {
    name: "authentication/passwords and attempts",
    sources: [
      "src/authentication/passwords/*.ts",
      "src/authentication/attempts/*.ts",
      "src/authentication/login/*.ts",
    ],
    near: [
      "test/guarantees/lost-authority",
      "test/auth/lockout",
      "test/auth/password-races",
      "test/auth/change-password",
      "test/auth/optional-password",
      "test/auth/login.test",
      "test/second-factors/attempts",
      "test/second-factors/gate",
      "test/second-factors/passkey-login",
      "test/second-factors/verify",
      "test/email-login/limits",
      "test/replicas",
      "test/credentials/manage",
      "test/users/erase.test",
      "test/password-reset",
      "test/verification/required",
      "test/budgets/authentication",
      "test/budgets/second-factors",
    ],
    wide: [
      "test/auth",
      "test/second-factors",
      "test/email-login",
      "test/verification",
      "test/mail",
    ],
  },
  {
    name: "authentication/factors",
    sources: ["src/authentication/{factors,mfa,passkeys,step-up,spent-tokens,login-methods}/*.ts"],
    near: ["test/guarantees/lost-authority", "test/second-factors", "test/budgets/second-factors"],
    wide: ["test/auth", "test/email-login", "test/conformance", "test/provider-login"],
  },
  {
    name: "authentication/addresses and links",
    sources: [
      "src/authentication/{one-time-tokens,verification,first-proof,credentials,email-login}/*.ts",
    ],
    near: [
      "test/guarantees/lost-authority",
      "test/verification",
      "test/credentials",
      "test/email-login",
      "test/first-proof",
      "test/budgets/email-login",
      "test/provider-login/log-in",
      "test/conformance/step-up",
    ],
    wide: [
      "test/password-reset",
      "test/auth",
      "test/provider-login",
      "test/operations",
      "test/users",
    ],
  },
  {
    name: "authentication/providers",
    sources: ["src/authentication/{providers,provider-login,identities}/*.ts"],
    near: [
      "test/guarantees/lost-authority",
      "test/provider-login",
      "test/providers",
      "test/budgets/provider",
    ],
    wide: ["test/auth/identity", "test/first-proof", "test/second-factors", "test/operations"],
  },
  {
    name: "api-keys",
    sources: ["src/api-keys/*.ts"],
    near: ["test/guarantees/lost-authority", "test/api-keys", "test/conformance/step-up"],
    wide: ["test/idempotency", "test/conformance", "test/rate-limits", "test/roles"],
  },
  {
    name: "roles",
    sources: ["src/roles/**/*.ts"],
    near: ["test/guarantees/lost-authority", "test/roles", "test/conformance/step-up"],
    wide: ["test/conformance", "test/users", "test/api-keys", "test/idempotency"],
  },
  {
    name: "audit/commit",
    sources: ["src/audit/commit.ts"],
    near: ["test/audit/commit", "test/users/edit", "test/bulk", "test/import"],
    wide: ["test/users", "test/auth", "test/roles", "test/idempotency"],
  },
  {
    name: "rate limits",
    sources: ["src/http/rate-limit.ts", "src/lib/sliding-window.ts"],
    near: ["test/rate-limits", "test/lib/sliding-window"],
    wide: ["test/api-keys", "test/budgets", "test/operations"],
  },
  {
    name: "idempotency",
    sources: ["src/idempotency/*.ts"],
    near: ["test/idempotency", "test/budgets/idempotency"],
    wide: ["test/budgets/idempotency", "test/users/erased-traces", "test/operations", "test/http"],
  },
  {
    name: "tokens",
    sources: [
      "src/lib/{access-token,api-key,cursor,exchange-code,login-token,mac,mfa-token,redirect-uri,refresh-token,totp}.ts",
      "src/lib/webauthn/*.ts",
    ],
    near: [
      "test/lib/t",
      "test/auth/forged",
      "test/auth/access-token",
      "test/auth/token-kinds",
      "test/webauthn",
      "test/lib/cursor",
      "test/providers/start",
    ],
    wide: [
      "test/auth",
      "test/second-factors",
      "test/provider-login",
      "test/lists",
      "test/email-login",
    ],
  },
];
