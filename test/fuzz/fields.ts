import fc from "fast-check";
import { type Ref, refTo } from "./values.ts";

/** The PKCE pair of all logins with the provider (RFC 7636 appendix B). */
export const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
export const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
export const REDIRECT_URI = "http://127.0.0.1:9/callback";
/** The id of the login provider. */
export const PROVIDER = "stub";

const DAY_MS = 86_400_000;

const letters = fc.string({
  unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz"),
  minLength: 6,
  maxLength: 12,
});

type Weighted = readonly [weight: number, arbitrary: fc.Arbitrary<unknown>];

const mix = (...parts: Weighted[]): fc.Arbitrary<unknown> =>
  fc.oneof(...parts.map(([weight, arbitrary]) => ({ weight, arbitrary })));
const absent = fc.constant(undefined);
const ref = refTo;
const users = mix([3, ref("self.id")], [2, ref("users")], [1, ref("foreign-users")]);
const codes = mix(
  [3, ref("totp-code")],
  [2, ref("mail-code")],
  [2, ref("recovery-code")],
  [1, fc.constant("000000")],
);
const email = letters.map((name) => `fz-${name}@example.com`);
const username = letters.map((name) => `fz-${name}`);
const ownPassword = mix([6, ref("self.password")], [1, fc.constant("a wrong password")]);
const knownEmail = mix([4, ref("self.email")], [1, ref("victim.email")], [1, email]);

/** Values of fields that a schema alone does not give: by name, or by operation and name. */
const FIELDS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  current_password: ownPassword,
  code: codes,
  mfa_token: ref("mfa"),
  login_token: ref("login"),
  refresh_token: ref("refresh"),
  cursor: ref("cursor"),
  user_id: users,
  actor_id: users,
  target_id: users,
  "ids[]": users,
  "permissions[]": mix(
    [4, fc.constantFrom("users:read", "audit:read", "sessions:read", "users:update")],
    [1, ref("permissions")],
  ),
  "scopes[]": mix(
    [4, fc.constantFrom("me:read", "me:write", "users:read", "users:update", "audit:read")],
    [1, ref("permissions")],
  ),
  stay_signed_in: mix([6, absent], [1, fc.boolean()]),
  expires_at: mix(
    [
      3,
      fc.integer({ min: 1, max: 300 }).map((d) => new Date(Date.now() + d * DAY_MS).toISOString()),
    ],
    [1, fc.constant(null)],
  ),
  code_challenge: fc.constant(CHALLENGE),
  code_verifier: mix([8, fc.constant(VERIFIER)], [1, letters]),
  redirect_uri: mix([8, fc.constant(REDIRECT_URI)], [1, fc.constant("https://evil.example/")]),
  "logIn.username": mix([6, ref("self.username")], [1, ref("victim.username")]),
  "logIn.email": mix([6, ref("self.email")], [1, ref("victim.email")]),
  "logIn.password": ownPassword,
  "stepUp.password": ownPassword,
  "register.email": mix([6, email], [1, ref("victim.email")]),
  "register.username": mix([6, username], [1, ref("victim.username")]),
  "forgotPassword.email": knownEmail,
  "requestEmailLogin.email": knownEmail,
  "changeEmail.email": mix([6, email], [1, ref("victim.email")]),
  "introspectToken.token": mix([4, ref("access")], [1, ref("refresh")]),
  "verifyEmail.token": ref("mail-token"),
  "disownEmail.token": ref("mail-token"),
  "resetPassword.token": ref("mail-token"),
  "logInByEmail.token": ref("mail-token"),
  "logInByEmail.code": ref("mail-code"),
  "exchangeCode.code": ref("exchange"),
  "finishProviderLogin.state": ref("provider-state"),
  "finishProviderLogin.code": ref("provider-code"),
  "finishProviderLogin.iss": ref("issuer"),
  "finishProviderLogin.error": mix([5, absent], [1, fc.constant("access_denied")]),
  "finishProviderLoginByForm.state": ref("provider-state"),
  "finishProviderLoginByForm.code": ref("provider-code"),
  "finishProviderLoginByForm.iss": ref("issuer"),
  "finishProviderLoginByForm.error": mix([5, absent], [1, fc.constant("access_denied")]),
  "addTotp.mfa_token": mix([6, absent], [1, ref("mfa")]),
  "confirmTotp.mfa_token": mix([6, absent], [1, ref("mfa")]),
  "confirmTotp.id": mix([6, ref("totp")], [1, ref("foreign-factors")]),
  "confirmTotp.code": mix([6, ref("totp-code")], [1, fc.constant("000000")]),
  "offerPasskey.mfa_token": mix([6, absent], [1, ref("mfa")]),
  "addPasskey.mfa_token": mix([6, absent], [1, ref("mfa")]),
  "addPasskey.credential": ref("new-credential"),
  "logInByPasskey.credential": ref("login-credential"),
  "verifyMfa.credential": ref("mfa-credential"),
  "stepUp.credential": ref("step-up-credential"),
  "createRole.name": letters,
  "createPermission.name": letters.map((name) => `fz:${name}`),
  "createUser.role": mix([5, absent], [3, fc.constant("user")], [1, ref("roles")]),
  "createApiKey.user_id": mix([4, absent], [1, users]),
  "listApiKeys.user_id": users,
  "replaceUser.username": mix([3, ref("self.username")], [2, username]),
  "replaceUser.email": mix([5, ref("self.email")], [2, email], [1, ref("victim.email")]),
  "replaceUser.role": mix([5, ref("self.role")], [1, ref("roles")]),
  "replaceUser.is_active": mix([5, fc.constant(true)], [1, fc.boolean()]),
  "updateUser.username": mix([3, ref("self.username")], [2, username]),
  "updateUser.email": mix([5, ref("self.email")], [2, email], [1, ref("victim.email")]),
  "updateUser.role": mix([5, ref("self.role")], [1, ref("roles")]),
  "updateUser.is_active": mix([5, fc.constant(true)], [1, fc.boolean()]),
  "updateUser.password": absent,
};

/** The values of a field of an operation, if they are known. */
export function findField(operation: string, field: string): fc.Arbitrary<unknown> | undefined {
  return FIELDS[`${operation}.${field}`] ?? FIELDS[field];
}

const own = (pool: string): fc.Arbitrary<string | Ref> =>
  fc.oneof({ weight: 4, arbitrary: ref(pool) }, { weight: 1, arbitrary: ref(`foreign-${pool}`) });

/** The values of path parameters, by the collection before them. */
export const PATH_VALUES: Readonly<Record<string, fc.Arbitrary<string | Ref>>> = {
  users: fc.oneof<fc.WeightedArbitrary<string | Ref>[]>(
    { weight: 3, arbitrary: fc.constant("me") },
    { weight: 1, arbitrary: ref("self.id") },
    { weight: 3, arbitrary: ref("users") },
    { weight: 2, arbitrary: ref("foreign-users") },
  ),
  sessions: own("sessions"),
  factors: own("factors"),
  identities: own("identities"),
  "api-keys": own("api-keys"),
  roles: ref("roles"),
  permissions: ref("permissions"),
  providers: fc.oneof({ weight: 9, arbitrary: fc.constant(PROVIDER) }, letters),
};
