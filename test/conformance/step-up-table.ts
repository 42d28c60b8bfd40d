/**
 * The operations that need a recent authentication (RFC 9470), written by hand: neither the service nor its document is asked.
 * `always`, or in some `cases`. Those that the service does not have are skipped.
 */
const TABLE = `
POST   /v1/api-keys                              | always
PATCH  /v1/api-keys/{id}                         | cases
DELETE /v1/api-keys/{id}                         | always
POST   /v1/api-keys/{id}/rotate                  | always
POST   /v1/auth/email/change                     | always
PUT    /v1/auth/password                         | always
DELETE /v1/auth/password                         | always
POST   /v1/auth/factors/totp                     | always
POST   /v1/auth/factors/totp/confirm             | always
POST   /v1/auth/factors/passkeys/options         | always
POST   /v1/auth/factors/passkeys                 | always
PATCH  /v1/auth/factors/{id}                     | always
DELETE /v1/auth/factors/{id}                     | always
POST   /v1/auth/recovery-codes                   | always
POST   /v1/auth/providers/{id}/start             | cases
DELETE /v1/auth/identities/{id}                  | always
DELETE /v1/permissions/{name}                    | always
PUT    /v1/roles/{name}                          | cases
DELETE /v1/roles/{name}                          | always
POST   /v1/users                                 | cases
GET    /v1/users/export                          | always
POST   /v1/users/bulk                            | cases
POST   /v1/users/import                          | cases
PUT    /v1/users/{id}                            | cases
PATCH  /v1/users/{id}                            | cases
DELETE /v1/users/{id}                            | always
POST   /v1/users/{id}/erase                      | always
GET    /v1/users/{id}/export                     | always
DELETE /v1/users/{id}/factors                    | always
PUT    /v1/users/{id}/role                       | always
POST   /v1/users/{id}/unlock                     | always
POST   /v1/users/{id}/password/expire            | always
POST   /v1/users/{id}/password/send-reset        | always
POST   /v1/users/{id}/email/send-verification    | always
POST   /v1/users/{id}/email/mark-verified        | always
`;

/** When an operation needs a recent authentication, by its name. */
export function readStepUpTable(): ReadonlyMap<string, string> {
  const lines = TABLE.split("\n").filter((line) => line !== "");
  return new Map(
    lines.map((line) => {
      const [name = "", when = ""] = line.split("|").map((cell) => cell.trim());
      return [name.replace(/ +/, " "), when];
    }),
  );
}
