import { ok, okWithTag } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { Task } from "./task.tsx";
import type { SectionProps } from "./user.tsx";

/** What an administrator can do for people who cannot log in, or must not as before. */
export function Credentials({ user, onChange, reload }: SectionProps) {
  const { credentials } = useTexts().user;
  const params = { path: { id: user.id } };
  const resetFactors = async () => {
    await ok(api.DELETE("/v1/users/{id}/factors", { params }));
    reload();
  };
  const markVerified = async () =>
    onChange(await okWithTag(api.POST("/v1/users/{id}/email/mark-verified", { params })));
  return (
    <section class="card">
      <h2>{credentials.title}</h2>
      <ul class="tasks">
        <Task
          {...(user.has_password ? credentials.sendReset : credentials.sendInvitation)}
          onRun={() => ok(api.POST("/v1/users/{id}/password/send-reset", { params }))}
        >
          {(user.has_password ? credentials.sendReset : credentials.sendInvitation).effect}
        </Task>
        {user.has_password && (
          <Task
            {...credentials.expire}
            onRun={() => ok(api.POST("/v1/users/{id}/password/expire", { params }))}
            asks
          >
            {credentials.expire.effect}
          </Task>
        )}
        <Task
          {...credentials.unlock}
          onRun={() => ok(api.POST("/v1/users/{id}/unlock", { params }))}
        >
          {credentials.unlock.effect}
        </Task>
        {!user.email_verified && (
          <>
            <Task
              {...credentials.sendVerification}
              onRun={() => ok(api.POST("/v1/users/{id}/email/send-verification", { params }))}
            >
              {credentials.sendVerification.effect}
            </Task>
            <Task {...credentials.markVerified} onRun={markVerified} asks>
              {credentials.markVerified.effect}
            </Task>
          </>
        )}
        {user.mfa_enabled && (
          <Task {...credentials.resetFactors} onRun={resetFactors} name={user.username}>
            {credentials.resetFactors.effect}
          </Task>
        )}
      </ul>
    </section>
  );
}
