import { useTexts } from "../../texts/texts.ts";
import type { User } from "./access.ts";

/** What is special about an account: whether it can log in, and how. */
export function Status({ of: user }: { of: User }) {
  const { status } = useTexts().user;
  if (user.deleted_at) return <span class="tag bad">{status.deleted}</span>;
  return (
    <span class="tags">
      {user.is_active ? (
        <span class="tag good">{status.active}</span>
      ) : (
        <span class="tag bad">{status.inactive}</span>
      )}
      {!user.has_password && <span class="tag">{status.noPassword}</span>}
      {!user.email_verified && <span class="tag">{status.unverified}</span>}
      {user.mfa_enabled && <span class="tag">{status.mfa}</span>}
    </span>
  );
}
