import type { Credential } from "./credential.ts";
import type { Permission } from "./permissions.ts";
import type { Principal } from "./principal.ts";

/** What a permission is held on. Roles grant it on the whole service; on an organisation will be another kind. */
export type Scope = { kind: "service" };

const SERVICE: Scope = { kind: "service" };

/** Who may call an operation. */
export type Access = { kind: "public" } | Restricted;

/**
 * Who may call an operation that needs a credential. API keys have nothing of their own: they need the permission, and where
 * `personal` is set they are refused.
 */
export type Restricted = { personal?: true; scope: Scope } & (
  | { kind: "own" }
  | { kind: "permission"; permission: Permission }
  | { kind: "own-or-permission"; permission: Permission }
  | { kind: "owner-or-permission"; permission: Permission }
);

/** Everyone, without a credential. */
export const everyone: Access = { kind: "public" };

/** Every person who is logged in, on what is theirs. */
export const own: Restricted = { kind: "own", personal: true, scope: SERVICE };

/** Whoever holds a permission. */
export function permission(name: Permission, scope = SERVICE): Restricted {
  return { kind: "permission", permission: name, scope };
}

/** The user whom `{id}` names, and whoever holds a permission. */
export function ownOr(name: Permission, scope = SERVICE): Restricted {
  return { kind: "own-or-permission", permission: name, scope };
}

/** The owner of a resource that `{id}` does not tell, and whoever holds a permission. The service calls `requireOwner`. */
export function ownerOr(name: Permission, scope = SERVICE): Restricted {
  return { kind: "owner-or-permission", permission: name, scope };
}

/** The same rule without API keys. */
export function personal(access: Restricted): Restricted {
  return { ...access, personal: true };
}

/** A rule as the OpenAPI document shows it. */
export function describeAccess(access: Access): string {
  switch (access.kind) {
    case "public":
      return "none";
    case "own":
      return "own";
    case "permission":
      return access.permission;
    default:
      return `own or ${access.permission}`;
  }
}

/** A request for an operation that needs a credential: the operation's rule, and what was sent. */
export interface AccessRequest {
  rule: Restricted;
  credential: Credential;
  /** `{id}` of the path, for rules that let a user act on themselves: `me` or a UUID in lower case. */
  pathId: string | undefined;
  /** Set once it is decided whether the credential lives and the rule is met. Nothing is answered before. */
  isDecided: boolean;
  /** Whom the request was admitted as. */
  principal?: Principal;
}
