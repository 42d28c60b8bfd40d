import { useState } from "preact/hooks";
import { api, ok } from "../shared/api.ts";
import { startSession } from "../shared/session.ts";
import { useTexts } from "../texts/texts.ts";
import { CodeField, Form, Select, textOf } from "../ui/form.tsx";
import { assertWithPasskey } from "./passkeys.ts";
import { stay } from "./stay.ts";

export interface SecondFactorRequest {
  mfaToken: string;
  methods: readonly string[];
  staysSignedIn: boolean;
}

/** Completes a login with a second factor. */
export function SecondFactor(props: SecondFactorRequest & { onBack: () => void }) {
  const { mfaToken, methods, staysSignedIn, onBack } = props;
  const { common, login } = useTexts();
  const [method, setMethod] = useState(methods[0] ?? "totp");
  const names = common.stepUp as unknown as Record<string, string>;
  const send = async (values: FormData) => {
    const proof =
      method === "passkey"
        ? { credential: await assert(mfaToken) }
        : { code: textOf(values, "code").trim() };
    const body = { mfa_token: mfaToken, method, ...proof, ...stay(staysSignedIn) };
    startSession(await ok(api.POST("/v1/auth/mfa/verify", { body: body as never })));
  };
  return (
    <main id="content" class="narrow">
      <h1>{login.secondFactor}</h1>
      <p>{login.secondFactorIntro}</p>
      {methods.length > 1 && (
        <Select
          label={common.stepUp.method}
          name="method"
          value={method}
          options={methods.map((name) => [name, names[name] ?? name] as const)}
          onChange={(event) => setMethod(event.currentTarget.value)}
        />
      )}
      <Form
        key={method}
        submit={method === "passkey" ? common.stepUp.usePasskey : login.logIn}
        onSubmit={send}
        onCancel={onBack}
        cancel={common.back}
      >
        {method !== "passkey" && <CodeField label={common.stepUp.code} />}
      </Form>
    </main>
  );
}

async function assert(mfaToken: string) {
  const { public_key } = await ok(
    api.POST("/v1/auth/mfa/challenge", { body: { mfa_token: mfaToken, method: "passkey" } }),
  );
  return assertWithPasskey(public_key);
}
