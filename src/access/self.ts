import type { Principal } from "./principal.ts";
import type { Acting } from "./read.ts";
import type { Restricted } from "./rule.ts";

/**
 * True if the rule lets the principal act on the account of its user: a logged-in user, or an API key with the rule's own
 * scope.
 */
export function mayActOnOwner(principal: Principal, { selfScope }: Restricted): boolean {
  if (principal.type === "user") return true;
  return selfScope !== undefined && principal.selfScopes.includes(selfScope);
}

/**
 * True if the actor acts on their own account. To an API key its owner is a user like any other, unless the key has the scope that
 * the operation's rule names.
 */
export function isSelf(
  { actor, access }: Pick<Acting, "actor" | "access">,
  userId: string,
): boolean {
  return actor.userId === userId && mayActOnOwner(actor, access.rule);
}

/**
 * The same caller, for what the scopes `me:read` and `me:write` do not cover: an API key needs the operation's permission, even on
 * its owner's account. Nothing changes for a logged-in user.
 */
export function withoutSelfScope(acting: Acting): Acting {
  const { selfScope: _, ...rule } = acting.access.rule;
  return { ...acting, access: { ...acting.access, rule } };
}
