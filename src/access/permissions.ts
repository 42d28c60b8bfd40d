/** All permissions, and what each allows. Roles grant them, and API keys have them as scopes. */
export const PERMISSIONS = {
  "users:read": "View any user.",
  "users:create": "Create users.",
  "users:update": "Change any user who holds no permission that you do not hold.",
  "users:delete": "Delete and restore users, and view deleted users.",
  "users:erase": "Erase a user's personal data permanently.",
  "users:export": "Export all data held on any user.",
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
  "metrics:read": "Read the service's metrics.",
  "tokens:introspect": "Introspect access tokens.",
} as const;

export type Permission = keyof typeof PERMISSIONS;

/** The names of all permissions, in the order of the documentation. */
export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as [Permission, ...Permission[]];
