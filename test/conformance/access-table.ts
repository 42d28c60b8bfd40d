import type { AccessRule } from "../../scripts/lib/access-matrix.ts";

/**
 * Who may call each operation, written by hand: neither the service nor its document is asked. A new operation needs a row here.
 *
 * - `permission`: those after `and` are needed, too; those after `or` are for other actions of the operation.
 * - `me scope`: the scope that lets an API key call it for its owner.
 * - `user, own` and `user, others`: a user without any permission, for their own resources and for those of others.
 * - `moderator` and `admin`: for the resources of others. `own` is 403 there, and allowed for their own.
 * - `key with`: an API key with the permission, or with every scope if there is none, for the resources of others.
 * - `key without`: an API key with every other scope, for the resources of its owner and of others.
 */
const TABLE = `
operation                                   | permission         | me scope | anonymous | user, own | user, others | moderator | admin | key with | key without

POST   /v1/auth/register                    | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
POST   /v1/auth/login                       | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
POST   /v1/auth/refresh                     | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
POST   /v1/auth/logout                      | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
GET    /v1/auth/me                          | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
GET    /v1/auth/sessions                    | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
DELETE /v1/auth/sessions                    | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
DELETE /v1/auth/sessions/{id}               | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
POST   /v1/auth/password/forgot             | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
POST   /v1/auth/password/reset              | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
POST   /v1/auth/password/change             | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
PUT    /v1/auth/password                    | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
DELETE /v1/auth/password                    | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
POST   /v1/auth/passkey/options             | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
POST   /v1/auth/passkey/login               | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
POST   /v1/auth/email-login                 | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
POST   /v1/auth/email-login/verify          | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
POST   /v1/auth/mfa/challenge               | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
POST   /v1/auth/step-up/challenge           | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
POST   /v1/auth/factors/passkeys/options    | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
POST   /v1/auth/factors/passkeys            | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
POST   /v1/auth/step-up                       | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
POST   /v1/auth/mfa/verify                  | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
POST   /v1/auth/factors/totp                | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
POST   /v1/auth/factors/totp/confirm        | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
GET    /v1/auth/factors                     | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
PATCH  /v1/auth/factors/{id}                | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
DELETE /v1/auth/factors/{id}                | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
GET    /v1/auth/recovery-codes              | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
POST   /v1/auth/recovery-codes              | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
POST   /v1/auth/email/verify                | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
POST   /v1/auth/email/disown                | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
POST   /v1/auth/email/resend                | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
POST   /v1/auth/email/change                | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
GET    /v1/auth/providers                   | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
POST   /v1/auth/providers/{id}/start        | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
GET    /v1/auth/providers/{id}/callback     | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
POST   /v1/auth/providers/{id}/callback     | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
POST   /v1/auth/exchange                    | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
GET    /v1/auth/identities                  | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
DELETE /v1/auth/identities/{id}             | –                  | –        | 401       | yes       | –            | own       | own   | 403      | 403
POST   /v1/auth/introspect                  | tokens:introspect  | –        | 401       | 403       | 403          | 403       | yes   | yes      | 403

POST   /v1/users                            | users:create       | –        | 401       | 403       | 403          | 403       | yes   | yes      | 403
POST   /v1/users/import                     | users:import and users:create | – | 401 | 403       | 403          | 403       | yes   | yes      | 403
GET    /v1/users/export                     | users:export       | –        | 401       | 403       | 403          | 403       | yes   | yes      | 403
POST   /v1/users/bulk                       | users:update or users:delete or roles:assign | – | 401 | 403 | 403  | yes       | yes   | yes      | 403
GET    /v1/users                            | users:read         | –        | 401       | 403       | 403          | yes       | yes   | yes      | 403
GET    /v1/users/{id}                       | users:read         | me:read  | 401       | yes       | 403          | yes       | yes   | yes      | 403
PUT    /v1/users/{id}                       | users:update       | me:write | 401       | yes       | 403          | yes       | yes   | yes      | 403
PATCH  /v1/users/{id}                       | users:update       | me:write | 401       | yes       | 403          | yes       | yes   | yes      | 403
DELETE /v1/users/{id}                       | users:delete       | –        | 401       | yes       | 403          | own       | yes   | yes      | 403
POST   /v1/users/{id}/restore               | users:delete       | –        | 401       | 403       | 403          | 403       | yes   | yes      | 403
POST   /v1/users/{id}/erase                 | users:erase        | –        | 401       | 403       | 403          | 403       | yes   | 403      | 403
GET    /v1/users/{id}/export                | users:export       | –        | 401       | yes       | 403          | own       | yes   | yes      | 403
PUT    /v1/users/{id}/role                  | roles:assign       | –        | 401       | 403       | 403          | 403       | yes   | 403      | 403
GET    /v1/users/{id}/profile               | users:read         | me:read  | 401       | yes       | 403          | yes       | yes   | yes      | 403
PUT    /v1/users/{id}/profile               | users:update       | me:write | 401       | yes       | 403          | yes       | yes   | yes      | 403
PATCH  /v1/users/{id}/profile               | users:update       | me:write | 401       | yes       | 403          | yes       | yes   | yes      | 403
GET    /v1/users/{id}/sessions              | sessions:read      | –        | 401       | yes       | 403          | yes       | yes   | yes      | 403
DELETE /v1/users/{id}/sessions              | sessions:revoke    | –        | 401       | yes       | 403          | yes       | yes   | 403      | 403
DELETE /v1/users/{id}/sessions/{session_id} | sessions:revoke    | –        | 401       | yes       | 403          | yes       | yes   | 403      | 403
GET    /v1/users/{id}/audit-events          | audit:read         | –        | 401       | yes       | 403          | own       | yes   | yes      | 403

POST   /v1/users/{id}/unlock                | credentials:manage | –        | 401       | 403       | 403          | 403       | yes   | 403      | 403
POST   /v1/users/{id}/password/expire       | credentials:manage | –        | 401       | 403       | 403          | 403       | yes   | 403      | 403
POST   /v1/users/{id}/password/send-reset   | credentials:manage | –        | 401       | 403       | 403          | 403       | yes   | 403      | 403
POST   /v1/users/{id}/email/send-verification | credentials:manage | –      | 401       | 403       | 403          | 403       | yes   | 403      | 403
POST   /v1/users/{id}/email/mark-verified   | credentials:manage | –        | 401       | 403       | 403          | 403       | yes   | 403      | 403
DELETE /v1/users/{id}/factors               | credentials:manage | –        | 401       | 403       | 403          | 403       | yes   | 403      | 403

GET    /v1/permissions                      | roles:read         | –        | 401       | 403       | 403          | 403       | yes   | yes      | 403
POST   /v1/permissions                      | roles:write        | –        | 401       | 403       | 403          | 403       | yes   | 403      | 403
DELETE /v1/permissions/{name}               | roles:write        | –        | 401       | 403       | 403          | 403       | yes   | 403      | 403
GET    /v1/roles                            | roles:read         | –        | 401       | 403       | 403          | 403       | yes   | yes      | 403
POST   /v1/roles                            | roles:write        | –        | 401       | 403       | 403          | 403       | yes   | 403      | 403
GET    /v1/roles/{name}                     | roles:read         | –        | 401       | 403       | 403          | 403       | yes   | yes      | 403
PUT    /v1/roles/{name}                     | roles:write        | –        | 401       | 403       | 403          | 403       | yes   | 403      | 403
DELETE /v1/roles/{name}                     | roles:write        | –        | 401       | 403       | 403          | 403       | yes   | 403      | 403

POST   /v1/api-keys                         | api_keys:write     | –        | 401       | yes       | 403          | own       | yes   | 403      | 403
GET    /v1/api-keys                         | api_keys:read      | –        | 401       | yes       | 403          | own       | yes   | yes      | 403
GET    /v1/api-keys/{id}                    | api_keys:read      | –        | 401       | yes       | 403          | own       | yes   | yes      | 403
PATCH  /v1/api-keys/{id}                    | api_keys:write     | –        | 401       | yes       | 403          | own       | yes   | 403      | 403
DELETE /v1/api-keys/{id}                    | api_keys:write     | –        | 401       | yes       | 403          | own       | yes   | 403      | 403
POST   /v1/api-keys/{id}/rotate             | api_keys:write     | –        | 401       | yes       | 403          | own       | yes   | 403      | 403

GET    /v1/audit-events                     | audit:read or audit:export | –        | 401       | 403       | 403          | 403       | yes   | yes      | 403
GET    /v1/audit-events/unattributed        | audit:read         | –        | 401       | 403       | 403          | 403       | yes   | yes      | 403
GET    /v1/audit-events/seals               | audit:read         | –        | 401       | 403       | 403          | 403       | yes   | yes      | 403

GET    /v1/analytics/summary                       | analytics:read     | –        | 401       | 403       | 403          | 403       | yes   | yes      | 403
GET    /v1/analytics/daily                         | analytics:read     | –        | 401       | 403       | 403          | 403       | yes   | yes      | 403
GET    /v1/analytics/retention                     | analytics:read     | –        | 401       | 403       | 403          | 403       | yes   | yes      | 403

GET    /                                    | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
GET    /health                              | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
GET    /ready                               | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
GET    /metrics                             | metrics:read       | –        | 401       | 403       | 403          | 403       | yes   | yes      | 403
GET    /.well-known/jwks.json               | –                  | –        | yes       | yes       | yes          | yes       | yes   | yes      | yes
`;

const NONE = "–";

type Cell = "yes" | "own" | "401" | "403" | typeof NONE;

/** A row of the table. */
export interface AccessRow {
  operation: string;
  /** What the OpenAPI document must say. */
  rule: AccessRule;
  /** The cells of the same columns of docs/access.md. */
  documented: string[];
  /** The system roles that may call the operation for the resources of others. */
  admitted: string[];
  /** Whether an API key with every other scope is refused, also for its owner. */
  refusesOtherKeys: boolean;
}

/** Reads the table. */
export function readAccessTable(): AccessRow[] {
  const [, ...rows] = TABLE.split("\n").filter((line) => line !== "");
  return rows.map(readRow);
}

function readRow(line: string): AccessRow {
  const [name = "", ...cells] = line.split("|").map((cell) => cell.trim());
  if (cells.length !== 9) throw new Error(`${name} does not have 10 columns`);
  const [permission, selfScope, anonymous, own, others, moderator, admin, keyWith, keyWithout] =
    cells as Cell[];
  const roles = { user: others, moderator, admin };
  const [required = "", ...byAction] = (permission ?? "").split(" or ");
  const [first, ...also] = required.split(" and ");
  return {
    operation: name.replace(/ +/, " "),
    rule: {
      kind: kindOf(anonymous, own, permission),
      permission: orUndefined(first),
      also,
      byAction,
      selfScope: orUndefined(selfScope),
      takesKeys: anonymous !== "yes" && keyWith === "yes",
    },
    documented: [
      permission === NONE ? NONE : `\`${first}\``,
      ...[anonymous, own, others, moderator, admin, keyWith].map(String),
    ],
    admitted: Object.entries(roles).flatMap(([role, cell]) => (cell === "yes" ? [role] : [])),
    refusesOtherKeys: keyWithout === "403",
  };
}

function kindOf(anonymous?: Cell, own?: Cell, permission?: string): AccessRule["kind"] {
  if (anonymous === "yes") return "public";
  if (permission === NONE) return "own";
  return own === "yes" ? "own-or-permission" : "permission";
}

function orUndefined(cell: string | undefined): string | undefined {
  return cell === NONE ? undefined : cell;
}
