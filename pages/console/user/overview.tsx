import { useTexts } from "../../texts/texts.ts";
import { Copyable } from "../../ui/copyable.tsx";
import { Time } from "../../ui/time.tsx";
import { Credentials } from "./credentials.tsx";
import { EditUser } from "./edit-user.tsx";
import { Lifecycle } from "./lifecycle.tsx";
import type { SectionProps } from "./user.tsx";

/** The account: what is known about it, its fields, and what can be done with it. */
export function Overview(props: SectionProps) {
  const { user: texts } = useTexts();
  const { access } = props;
  const isEditable = access.editsNames || access.editsRole;
  return (
    <div class="columns">
      <div>
        {isEditable && (
          <section class="card">
            <h2>{texts.edit.title}</h2>
            <EditUser {...props} />
          </section>
        )}
        <Facts {...props} />
      </div>
      <div>
        {access.managesCredentials && <Credentials {...props} />}
        <Lifecycle {...props} />
      </div>
    </div>
  );
}

function Facts({ user }: SectionProps) {
  const { common, users, user: texts } = useTexts();
  const { facts } = texts;
  const yesOrNo = (is: boolean) => (is ? common.yes : common.no);
  return (
    <section class="card">
      <h2>{facts.title}</h2>
      <dl class="facts">
        <dt>{facts.id}</dt>
        <dd>
          <Copyable text={user.id} label={facts.id} />
        </dd>
        <dt>{users.email}</dt>
        <dd>{user.email}</dd>
        <dt>{users.emailVerified}</dt>
        <dd>{yesOrNo(user.email_verified)}</dd>
        <dt>{users.role}</dt>
        <dd>{user.role}</dd>
        <dt>{facts.hasPassword}</dt>
        <dd>{yesOrNo(user.has_password)}</dd>
        <dt>{users.mfaEnabled}</dt>
        <dd>{yesOrNo(user.mfa_enabled)}</dd>
        <dt>{users.columns.last_login_at}</dt>
        <dd>
          <Time at={user.last_login_at} />
        </dd>
        <dt>{users.columns.created_at}</dt>
        <dd>
          <Time at={user.created_at} />
        </dd>
        <dt>{facts.updatedAt}</dt>
        <dd>
          <Time at={user.updated_at} />
        </dd>
        {user.deleted_at && (
          <>
            <dt>{facts.deletedAt}</dt>
            <dd>
              <Time at={user.deleted_at} />
            </dd>
          </>
        )}
      </dl>
    </section>
  );
}
