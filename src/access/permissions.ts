/** Every permission there is, with what it allows. Roles are made of these. */
export const PERMISSIONS = {
  "users:read": "See any user.",
  "users:create": "Create users.",
  "users:update": "Change any user who holds no more than oneself.",
  "users:delete": "Delete and restore users, and see deleted ones.",
  "users:erase": "Erase a person's data for good.",
  "users:export": "Export everything held on a person.",
  "sessions:read": "See anyone's sessions.",
  "sessions:revoke": "End anyone's sessions.",
  "roles:read": "See roles and permissions.",
  "roles:write": "Create, change and delete roles.",
  "roles:assign": "Give roles to users.",
  "api_keys:read": "See anyone's API keys.",
  "api_keys:write": "Manage anyone's API keys.",
  "audit:read": "Read the audit trail.",
  "metrics:read": "Read the service's metrics.",
  "tokens:introspect": "Ask whether an access token is active.",
} as const;

export type Permission = keyof typeof PERMISSIONS;

/** Their names, in the order in which they are documented. */
export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as [Permission, ...Permission[]];
