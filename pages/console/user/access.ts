// What the person who is logged in may do with a user. The service decides: here, what it would refuse is not offered.
import type { components, SessionState } from "roster-client";

export type User = components["schemas"]["User"];

export type Access = ReturnType<typeof accessTo>;

/** What a session may do with a user. */
export function accessTo(session: SessionState, user: User) {
  const { permissions, userId } = session;
  const isSelf = user.id === userId;
  const isDeleted = user.deleted_at !== null;
  const isAbove = !isSelf && holdsMore(user.role, session);
  const has = (permission: string) => permissions.has(permission);
  const manages = (permission: string) => !isAbove && !isDeleted && has(permission);
  const reads = (permission: string) => !isAbove && !isDeleted && (isSelf || has(permission));
  const edits = isSelf ? !isDeleted : manages("users:update");
  return {
    isSelf,
    isAbove,
    isDeleted,
    editsNames: edits,
    editsEmail: edits && !isSelf && manages("credentials:manage"),
    editsRole: manages("roles:assign"),
    editsActive: manages("users:update"),
    editsProfile: edits,
    readsSessions: reads("sessions:read"),
    endsSessions: reads("sessions:revoke"),
    readsKeys: !isDeleted && (isSelf || has("api_keys:read")),
    writesKeys: reads("api_keys:write"),
    readsTrail: isSelf || has("audit:read"),
    managesCredentials: manages("credentials:manage"),
    deletes: manages("users:delete"),
    restores: isDeleted && !isAbove && has("users:delete"),
    erases: !isAbove && has("users:erase"),
    exports: !isAbove && (isSelf || has("users:export")),
  };
}

const MODERATOR = ["users:read", "users:update", "sessions:read", "sessions:revoke"];

/**
 * True if a role is known to grant permissions that the session lacks: nobody manages upward. What a role of the application grants is not
 * known here.
 */
function holdsMore(role: string, session: SessionState): boolean {
  if (role === session.role) return false;
  if (role === "moderator") return !MODERATOR.every((name) => session.permissions.has(name));
  // An administrator holds every permission; whoever assigns roles and erases accounts may, too.
  return (
    role === "admin" &&
    !["roles:assign", "users:erase"].every((name) => session.permissions.has(name))
  );
}
