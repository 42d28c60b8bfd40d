import { isProblem, ok, RosterProblem } from "roster-client";
import { api } from "../shared/api.ts";
import { settings } from "../shared/settings.ts";
import { useTexts } from "../texts/texts.ts";
import { Field, Form, textOf } from "../ui/form.tsx";
import { Notice } from "../ui/notice.tsx";
import { PasswordField } from "../ui/password-field.tsx";
import type { Flow, View } from "./flow.ts";
import { PasskeyLogin } from "./passkey-login.tsx";
import { KNOWS_PASSKEYS } from "./passkeys.ts";
import { ProviderLogins } from "./provider-logins.tsx";
import { Screen } from "./screen.tsx";
import { StaySignedIn } from "./stay-signed-in.tsx";

type StartProps = Extract<View, { name: "start" }> & { flow: Flow };

/** The first form: with a password, and every other way to log in. */
export function Start({ announcement, flow }: StartProps) {
  const { login } = useTexts();
  const send = async (values: FormData) => {
    const identifier = textOf(values, "identifier").trim();
    const name = identifier.includes("@") ? { email: identifier } : { username: identifier };
    const body = { ...name, password: textOf(values, "password") };
    try {
      await flow.logIn((stay) => ok(api.POST("/v1/auth/login", { body: { ...body, ...stay } })));
    } catch (error) {
      throw toOneField(error);
    }
  };
  return (
    <Screen title={login.title(settings.app_name)}>
      {announcement && <Notice kind={announcement.kind}>{announcement.text}</Notice>}
      <Form
        submit={login.logIn}
        onSubmit={send}
        label={login.logIn}
        fields={["identifier", "password"]}
      >
        <Field
          label={login.identifier}
          name="identifier"
          autoComplete="username webauthn"
          autoCapitalize="off"
          spellcheck={false}
          required
        />
        <PasswordField label={login.password} name="password" autoComplete="current-password" />
        <StaySignedIn flow={flow} />
      </Form>
      <OtherWays flow={flow} />
    </Screen>
  );
}

function OtherWays({ flow }: { flow: Flow }) {
  const { login } = useTexts();
  return (
    <>
      <p class="or">{login.or}</p>
      <div class="ways">
        {settings.passkeys && KNOWS_PASSKEYS && <PasskeyLogin flow={flow} />}
        {settings.email_login && (
          <button type="button" onClick={() => flow.show({ name: "email" })}>
            {login.byEmail}
          </button>
        )}
        <ProviderLogins flow={flow} />
      </div>
      <div class="ways">
        <button type="button" class="link" onClick={() => flow.show({ name: "forgot_password" })}>
          {login.forgot}
        </button>
        {settings.registration && (
          <button type="button" class="link" onClick={() => flow.show({ name: "register" })}>
            {login.register}
          </button>
        )}
      </div>
    </>
  );
}

// The name is typed into one field, for which the service has two.
function toOneField(error: unknown): unknown {
  if (!isProblem(error, "validation_failed")) return error;
  const isName = (path: string) => path === "username" || path === "email";
  const errors = error.errors.map((fault) =>
    isName(fault.path) ? { ...fault, path: "identifier" } : fault,
  );
  return new RosterProblem({ ...error.body, errors });
}
