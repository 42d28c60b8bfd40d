import { useState } from "preact/hooks";
import { ok } from "roster-client";
import { api } from "../shared/api.ts";
import { useLocale } from "../texts/texts.ts";
import { CodeField, Field, Form, textOf } from "../ui/form.tsx";
import { Notice } from "../ui/notice.tsx";
import type { Flow, View } from "./flow.ts";
import { Screen } from "./screen.tsx";

type EmailLoginProps = Extract<View, { name: "email" }> & { flow: Flow };

/** Logs in by email: sends a code and a link, and takes the code. */
export function EmailLogin({ announcement, flow }: EmailLoginProps) {
  const { texts, language } = useLocale();
  const { common, login } = texts;
  const [loginToken, setLoginToken] = useState<string>();
  const request = async (values: FormData) => {
    const body = { email: textOf(values, "email").trim(), locale: language };
    setLoginToken((await ok(api.POST("/v1/auth/email-login", { body }))).login_token);
  };
  if (loginToken !== undefined) {
    return (
      <EnterCode
        key="code"
        loginToken={loginToken}
        flow={flow}
        onBack={() => setLoginToken(undefined)}
      />
    );
  }
  return (
    <Screen key="address" title={login.byEmail}>
      {announcement && <Notice kind={announcement.kind}>{announcement.text}</Notice>}
      <p>{login.byEmailIntro}</p>
      <Form
        submit={login.sendEmail}
        onSubmit={request}
        fields={["email"]}
        onCancel={() => flow.show({ name: "start" })}
        cancel={common.back}
      >
        <Field label={login.email} name="email" type="email" autoComplete="email" required />
      </Form>
    </Screen>
  );
}

interface EnterCodeProps {
  loginToken: string;
  flow: Flow;
  onBack: () => void;
}

function EnterCode({ loginToken, flow, onBack }: EnterCodeProps) {
  const { texts } = useLocale();
  const { common, login } = texts;
  const send = (values: FormData) => {
    const body = { login_token: loginToken, code: textOf(values, "code").trim() };
    return flow.logIn((stay) =>
      ok(api.POST("/v1/auth/email-login/verify", { body: { ...body, ...stay } })),
    );
  };
  return (
    <Screen title={login.byEmail}>
      <Notice kind="info">{login.emailSent}</Notice>
      <Form submit={login.logIn} onSubmit={send} onCancel={onBack} cancel={common.back}>
        <CodeField label={common.stepUp.code} hint={login.orUseLink} />
      </Form>
    </Screen>
  );
}
