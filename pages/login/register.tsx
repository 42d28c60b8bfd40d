import { ok } from "roster-client";
import { api } from "../shared/api.ts";
import { useTexts } from "../texts/texts.ts";
import { Field, Form, textOf } from "../ui/form.tsx";
import { NewPasswordField } from "../ui/password-field.tsx";
import type { Flow } from "./flow.ts";
import { Screen } from "./screen.tsx";

/** Creates an account, and logs in to it. */
export function Register({ flow }: { flow: Flow }) {
  const { login } = useTexts();
  const send = async (values: FormData) => {
    const username = textOf(values, "username").trim();
    const password = textOf(values, "password");
    const email = textOf(values, "email").trim();
    await ok(api.POST("/v1/auth/register", { body: { username, email, password } }));
    try {
      await flow.logIn((stay) =>
        ok(api.POST("/v1/auth/login", { body: { username, password, ...stay } })),
      );
    } catch {
      // The account exists now. A second try here would say that the name is taken.
      flow.restart("success", login.registered);
    }
  };
  return (
    <Screen title={login.register}>
      <Form submit={login.register} onSubmit={send} fields={["username", "email", "password"]}>
        <Field
          label={login.username}
          name="username"
          autoComplete="username"
          autoCapitalize="off"
          spellcheck={false}
          hint={login.usernameRules}
          required
        />
        <Field label={login.email} name="email" type="email" autoComplete="email" required />
        <NewPasswordField label={login.password} name="password" />
      </Form>
      <div class="ways">
        <button type="button" class="link" onClick={() => flow.show({ name: "start" })}>
          {login.haveAccount}
        </button>
      </div>
    </Screen>
  );
}
