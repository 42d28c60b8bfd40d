import { useState } from "preact/hooks";
import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { Field, Form, textOf } from "../../ui/form.tsx";
import { useTitle } from "../../ui/layout.tsx";
import { Show, useAction, useLoad } from "../../ui/load.tsx";
import { Notice, ProblemNotice } from "../../ui/notice.tsx";
import { PasswordField } from "../../ui/password-field.tsx";
import { withCurrentPassword } from "../current-password.ts";

/** The person's address: whether it is verified, and how to change it. */
export function Email() {
  const { nav, email } = useTexts().account;
  useTitle(nav.email);
  const me = useLoad(() => ok(api.GET("/v1/auth/me")), []);
  return (
    <>
      <h1>{nav.email}</h1>
      <Show of={me}>
        {({ user }) => (
          <>
            <section class="card entry">
              <h2>{email.yours}</h2>
              <p>
                <strong>{user.email}</strong>{" "}
                <span class="tag">{user.email_verified ? email.verified : email.unverified}</span>
              </p>
              {!user.email_verified && <Resend />}
            </section>
            <ChangeEmail hasPassword={user.has_password} />
          </>
        )}
      </Show>
    </>
  );
}

function Resend() {
  const { email } = useTexts().account;
  const { run, isBusy, problem } = useAction();
  const [isSent, setSent] = useState(false);
  const send = async () => {
    setSent(false);
    await ok(api.POST("/v1/auth/email/resend"));
    setSent(true);
  };
  return (
    <>
      <p>{email.unverifiedIntro}</p>
      {isSent && <Notice kind="success">{email.resent}</Notice>}
      {problem && <ProblemNotice problem={problem} />}
      <button type="button" disabled={isBusy} onClick={() => run(send)}>
        {email.resend}
      </button>
    </>
  );
}

function ChangeEmail({ hasPassword }: { hasPassword: boolean }) {
  const { email, password } = useTexts().account;
  const [sentTo, setSentTo] = useState<string>();
  const send = async (values: FormData) => {
    setSentTo(undefined);
    const address = textOf(values, "email").trim();
    const body = {
      email: address,
      ...(hasPassword && { current_password: textOf(values, "current_password") }),
    };
    const call = ok(api.POST("/v1/auth/email/change", { body }));
    await withCurrentPassword(call, password.wrong);
    setSentTo(address);
  };
  return (
    <section class="card entry">
      <h2>{email.change}</h2>
      <p>{email.changeIntro}</p>
      {sentTo !== undefined && <Notice kind="success">{email.sent(sentTo)}</Notice>}
      <Form
        key={sentTo}
        submit={email.change}
        label={email.change}
        fields={["email", "current_password"]}
        onSubmit={send}
      >
        <Field
          label={email.new}
          name="email"
          type="email"
          autoComplete="email"
          spellcheck={false}
          required
        />
        {hasPassword && (
          <PasswordField
            label={password.current}
            name="current_password"
            autoComplete="current-password"
          />
        )}
      </Form>
    </section>
  );
}
