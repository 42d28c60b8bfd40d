import type { ErrorTable } from "./table.ts";

/** Why a change of users, roles, permissions or API keys is refused. */
export const ACCOUNT_ERRORS = {
  privilege_escalation: [
    403,
    "Privilege escalation",
    "You cannot manage an account with permissions that you do not hold, or grant permissions that you or the account's owner do not hold.",
  ],
  user_not_found: [404, "User not found", "There is no user with this id."],
  role_not_found: [404, "Role not found", "There is no role with this name."],
  permission_not_found: [
    404,
    "Permission not found",
    "Your application has no permission with this name. GET /v1/permissions lists all.",
  ],
  api_key_not_found: [404, "API key not found", "There is no API key with this id."],
  email_taken: [409, "Email taken", "Another user has this email address."],
  user_inactive: [
    409,
    "User is inactive",
    "The link would not work. Activate the user first: PATCH /v1/users/{id} with is_active true.",
  ],
  username_taken: [409, "Username taken", "Another user has this username."],
  last_admin: [
    409,
    "Last administrator",
    "At least one active administrator must remain. Make another user an administrator first.",
  ],
  role_exists: [409, "Role exists", "A role with this name already exists."],
  system_role: [
    409,
    "System role",
    "The roles user, moderator and admin cannot be deleted, and only their require_mfa can be changed.",
  ],
  role_in_use: [409, "Role in use", "Users still have this role. Assign them another role first."],
  permission_exists: [409, "Permission exists", "A permission with this name already exists."],
  permission_limit: [
    409,
    "Too many permissions",
    "Your application has the maximum number of permissions, 500. Delete one first.",
  ],
  permission_in_use: [
    409,
    "Permission in use",
    "A role other than admin or a live API key holds this permission. Remove it from them first.",
  ],
  system_permission: [
    409,
    "System permission",
    "This permission is one of Roster itself, and cannot be deleted.",
  ],
  api_key_revoked: [
    409,
    "API key revoked",
    "A revoked API key cannot be changed. Create a new one.",
  ],
  api_key_limit: [
    409,
    "Too many API keys",
    "The user has the maximum number of live API keys, 100. Revoke one first.",
  ],
} as const satisfies ErrorTable;
