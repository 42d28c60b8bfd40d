import type { AssuranceLevel } from "./assurance.ts";
import type { Credential } from "./credential.ts";
import type { Permission, SelfScope } from "./permissions.ts";
import type { Principal } from "./principal.ts";

/** What a permission is held on. Roles grant it on the whole service; on an organisation will be another kind. */
export type Scope = { kind: "service" };

const SERVICE: Scope = { kind: "service" };

/** Who may call an operation. */
export type Access = Public | Restricted;

/** Everyone. If `callers` is set, a credential is read where there is one, and the service admits its holder by this rule. */
type Public = { kind: "public"; callers?: Restricted };

/**
 * When an operation needs a recent authentication (RFC 9470): always, or in the cases that the text names, where the service calls
 * `requireStepUp`.
 */
export type StepUp = true | string;

/**
 * Who may call an operation that needs a credential. An API key needs the permission, even on its owner's account, unless it
 * has the scope `selfScope`, which then suffices there. If `personal` is set, API keys are refused.
 */
export type Restricted = {
  personal?: true;
  selfScope?: SelfScope;
  stepUp?: StepUp;
  /** Whether someone who must add a second factor to log in may call it, too, with an `mfa_token` in the body. */
  takesMfaToken?: true;
  scope: Scope;
} & (
  | { kind: "own" }
  | { kind: "permission"; permission: Permission; also?: readonly Permission[] }
  | { kind: "by-action"; permissions: readonly [Permission, ...Permission[]] }
  | { kind: "own-or-permission"; permission: Permission }
  | { kind: "owner-or-permission"; permission: Permission }
);

/** Everyone. No credential is needed. */
export const everyone: Access = { kind: "public" };

/** Every logged-in user, for what they own. */
export const own: Restricted = { kind: "own", personal: true, scope: SERVICE };

/** Everyone. What only a logged-in user may do, the service leaves to those whom `read` admits. */
export const everyoneOrOwn: Access = { kind: "public", callers: own };

/** Every logged-in user, and those who must add a second factor to log in. The service checks the `mfa_token` in the body. */
export const ownOrEnrolling: Restricted = { ...own, takesMfaToken: true };

/** Callers who hold a permission. */
export function permission(name: Permission, scope = SERVICE): Restricted {
  return { kind: "permission", permission: name, scope };
}

/** Callers who hold several permissions. */
export function allOf(first: Permission, ...also: readonly Permission[]): Restricted {
  return { kind: "permission", permission: first, also, scope: SERVICE };
}

/** Callers who hold one of several permissions. `queryNeeds` or the service checks the one that the action needs. */
export function byAction(...permissions: readonly [Permission, ...Permission[]]): Restricted {
  return { kind: "by-action", permissions, scope: SERVICE };
}

/** The user that `{id}` identifies, and callers who hold a permission. */
export function ownOr(name: Permission, scope = SERVICE): Restricted {
  return { kind: "own-or-permission", permission: name, scope };
}

/** The owner of a resource, and callers who hold a permission. The service calls `requireOwner` once it has read the owner. */
export function ownerOr(name: Permission, scope = SERVICE): Restricted {
  return { kind: "owner-or-permission", permission: name, scope };
}

/** The same rule, but API keys are refused. */
export function personal(access: Restricted): Restricted {
  return { ...access, personal: true };
}

/** The same rule, but an API key with this scope may also call it for its owner. */
export function openToKeys(selfScope: SelfScope, access: Restricted): Restricted {
  return { ...access, selfScope };
}

/** A rule as the OpenAPI document shows it. */
export function describeAccess(access: Access): string {
  switch (access.kind) {
    case "public":
      return "none";
    case "own":
      return "own";
    case "permission":
      return [access.permission, ...(access.also ?? [])].join(" and ");
    case "by-action":
      return `${access.permissions.join(" or ")}, by action`;
    default: {
      const { permission: name, selfScope } = access;
      const ofKeys = selfScope ? `; API keys on their owner's account: ${selfScope}` : "";
      return `own or ${name}${ofKeys}`;
    }
  }
}

/** Returns the permissions that query parameters, which are not validated yet, need in addition to the operation's rule. */
export type QueryNeeds = (query: Readonly<Record<string, string>>) => readonly Permission[];

/** The need of the query parameter `deleted`. */
export function deletedNeeds(name: Permission): QueryNeeds {
  return ({ deleted }) => (deleted === "true" ? [name] : []);
}

/** The operation's rule and the credential of a request, for operations that need a credential. */
export interface AccessRequest {
  rule: Restricted;
  /** What the query parameters need in addition to the rule. */
  queryNeeds: readonly Permission[];
  credential: Credential;
  /** `{id}` of the path, for rules that let a user act on themselves: `me` or a UUID in lower case. */
  pathId: string | undefined;
  /** True once it is decided whether the credential is live and the rule is met. No response is sent before. */
  isDecided: boolean;
  /** What the recent authentication amounted to when it was checked. */
  reached?: AssuranceLevel;
  /** The principal that was admitted. */
  principal?: Principal;
}
