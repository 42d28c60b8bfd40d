/** All permissions, and what each allows. Roles grant them, and API keys have them as scopes. */
export const PERMISSIONS = {
  "users:read": "View any user.",
  "users:create": "Create users.",
  "users:update": "Change any user who holds no permission that you do not hold.",
  "users:delete": "Delete and restore users, and view deleted users.",
  "users:erase": "Erase a user's personal data permanently.",
  "users:export": "Export all data held on any user, and the list of users.",
  "users:import": "Import users with their password hashes.",
  "credentials:manage":
    "Change the email addresses of other users, and unlock, expire and reset their credentials.",
  "sessions:read": "View any user's sessions.",
  "sessions:revoke": "End any user's sessions.",
  "roles:read": "View roles and permissions.",
  "roles:write": "Create, change and delete roles.",
  "roles:assign": "Assign roles to users.",
  "api_keys:read": "View any user's API keys.",
  "api_keys:write": "Manage any user's API keys.",
  "audit:read": "Read the audit trail.",
  "audit:export": "Export the audit trail.",
  "metrics:read": "Read the service's metrics.",
  "analytics:read": "Read how many people register, log in and stay.",
  "tokens:introspect": "Introspect access tokens.",
} as const;

export type Permission = keyof typeof PERMISSIONS;

/** The names of all permissions, in the order of the documentation. */
export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as [Permission, ...Permission[]];

/**
 * Scopes that everyone may give to their API keys: they reach the owner of the key and nobody else. Each with the permission that
 * allows the same on others. They are not permissions: no role grants them, and a key has them whatever the role of its owner.
 */
export const SELF_SCOPES = { "me:read": "users:read", "me:write": "users:update" } as const;

export type SelfScope = keyof typeof SELF_SCOPES;

export const SELF_SCOPE_NAMES = Object.keys(SELF_SCOPES) as SelfScope[];

/** The maximum number of permissions that an application can add. */
export const MAX_CUSTOM_PERMISSIONS = 500;

/**
 * The form of an application's permission (JSON Schema). Names contain no quotes, spaces or backslashes: SQL conditions and the
 * `scope` claim rely on it.
 */
export const NAME_FORM = {
  pattern: "^([a-z0-9_.-]+)(:[a-z0-9_.-]+)+$",
  minLength: 3,
  maxLength: 64,
};

const NAME = new RegExp(NAME_FORM.pattern);

/** Nouns that permissions of Roster may have one day. */
const PLANNED_NOUNS = [
  "factors",
  "identities",
  "invitations",
  "organisations",
  "organizations",
  "permissions",
  "profiles",
  "providers",
  "roster",
  "settings",
  "webhooks",
];

const RESERVED_NOUNS = new Set([
  ...[...PERMISSION_NAMES, ...SELF_SCOPE_NAMES].map((name) => name.split(":")[0]),
  ...PLANNED_NOUNS,
]);

/** True for a permission of Roster itself. */
export function isSystemPermission(name: string): name is Permission {
  return Object.hasOwn(PERMISSIONS, name);
}

/** True for `me:read` and `me:write`. */
export function isSelfScope(name: string): name is SelfScope {
  return Object.hasOwn(SELF_SCOPES, name);
}

/** Why an application cannot add a permission of this name; undefined if it can. */
export function findNameFault(name: string): "invalid_format" | "reserved" | undefined {
  const noun = NAME.exec(name)?.[1];
  const hasLength = name.length >= NAME_FORM.minLength && name.length <= NAME_FORM.maxLength;
  if (noun === undefined || !hasLength) return "invalid_format";
  return RESERVED_NOUNS.has(noun) ? "reserved" : undefined;
}
