import { useState } from "preact/hooks";
import { api, ok } from "../shared/api.ts";
import { isProblem } from "../shared/problem.ts";
import { startSession } from "../shared/session.ts";
import { settings } from "../shared/settings.ts";
import { useTexts } from "../texts/texts.ts";
import { Checkbox, Field, Form, textOf } from "../ui/form.tsx";
import { SecondFactor, type SecondFactorRequest } from "./second-factor.tsx";
import { stay } from "./stay.ts";

/** Logs in. Afterwards there is a session. */
export function LogIn() {
  const { login } = useTexts();
  const [second, setSecond] = useState<SecondFactorRequest>();
  const send = async (values: FormData) => {
    const staysSignedIn = values.has("stay_signed_in");
    const identifier = textOf(values, "identifier");
    const name = identifier.includes("@") ? { email: identifier } : { username: identifier };
    const body = { ...name, password: textOf(values, "password"), ...stay(staysSignedIn) };
    try {
      startSession(await ok(api.POST("/v1/auth/login", { body: body as never })));
    } catch (error) {
      if (!isProblem(error, "mfa_required")) throw error;
      const { mfa_token = "", methods = [] } = error.body;
      setSecond({ mfaToken: mfa_token, methods, staysSignedIn });
    }
  };
  if (second) return <SecondFactor {...second} onBack={() => setSecond(undefined)} />;
  return (
    <main id="content" class="narrow">
      <h1>{login.title(settings.app_name)}</h1>
      <Form submit={login.logIn} onSubmit={send} label={login.logIn}>
        <Field
          label={login.identifier}
          name="identifier"
          autoComplete="username"
          autoCapitalize="off"
          spellcheck={false}
          required
        />
        <Field
          label={login.password}
          name="password"
          type="password"
          autoComplete="current-password"
          required
        />
        <Checkbox label={login.staySignedIn} name="stay_signed_in" />
      </Form>
    </main>
  );
}
