import { useState } from "preact/hooks";
import { ok } from "roster-client";
import { api } from "../shared/api.ts";
import { useTexts } from "../texts/texts.ts";
import { CodeField, Form, Select, textOf } from "../ui/form.tsx";
import type { Flow, View } from "./flow.ts";
import { assertWithPasskey } from "./passkeys.ts";
import { Screen } from "./screen.tsx";

type Method = "totp" | "passkey" | "recovery_code";
type SecondFactorProps = Extract<View, { name: "second_factor" }> & { flow: Flow };

/** Completes a login with a second factor. */
export function SecondFactor({ mfaToken, methods, flow }: SecondFactorProps) {
  const { common, login } = useTexts();
  const known = METHODS.filter((method) => methods.includes(method));
  const [method, setMethod] = useState<Method>(known[0] ?? "totp");
  const send = async (values: FormData) => {
    const proof = await toProof(method, mfaToken, values);
    await flow.logIn((stay) =>
      ok(api.POST("/v1/auth/mfa/verify", { body: { mfa_token: mfaToken, ...proof, ...stay } })),
    );
  };
  return (
    <Screen title={login.secondFactor}>
      <p>{login.secondFactorIntro}</p>
      {known.length > 1 && (
        <Select
          label={common.stepUp.method}
          name="method"
          value={method}
          options={known.map((name) => [name, common.stepUp[name]])}
          onChange={(event) => setMethod(event.currentTarget.value as Method)}
        />
      )}
      <Form
        key={method}
        submit={method === "passkey" ? common.stepUp.usePasskey : login.logIn}
        onSubmit={send}
        onCancel={() => flow.show({ name: "start" })}
        cancel={common.back}
      >
        {method !== "passkey" && (
          <CodeField label={common.stepUp.code} hint={login.codeHints[method]} />
        )}
      </Form>
    </Screen>
  );
}

/** The usual ones first. */
const METHODS: readonly Method[] = ["passkey", "totp", "recovery_code"];

async function toProof(method: Method, mfaToken: string, values: FormData) {
  if (method !== "passkey") return { method, code: textOf(values, "code").trim() };
  const { public_key } = await ok(
    api.POST("/v1/auth/mfa/challenge", { body: { mfa_token: mfaToken, method } }),
  );
  return { method, credential: await assertWithPasskey(public_key) };
}
