import { ok } from "roster-client";
import { createPasskey } from "../login/passkeys.ts";
import { api } from "../shared/api.ts";
import { useTexts } from "../texts/texts.ts";
import { Field, Form, textOf } from "../ui/form.tsx";
import type { EnrollmentProps } from "./enrollment.ts";

/** Adds a passkey, under a name that tells it from others. */
export function PasskeyEnrollment({ mfaToken, onDone, onCancel }: EnrollmentProps) {
  const { common, factors } = useTexts();
  const half = mfaToken === undefined ? {} : { mfa_token: mfaToken };
  const send = async (values: FormData) => {
    const { public_key } = await ok(
      api.POST("/v1/auth/factors/passkeys/options", { body: { ...half } }),
    );
    const credential = await createPasskey(public_key);
    const body = { name: textOf(values, "name"), credential, ...half };
    const { recovery_codes } = await ok(api.POST("/v1/auth/factors/passkeys", { body }));
    await onDone(recovery_codes);
  };
  return (
    <Form
      submit={factors.createPasskey}
      onSubmit={send}
      fields={["name"]}
      {...(onCancel && { onCancel, cancel: common.cancel })}
    >
      <p>{factors.passkeyIntro}</p>
      <Field
        label={factors.passkeyName}
        name="name"
        hint={factors.passkeyNameHint}
        defaultValue={factors.thisDevice}
        maxLength={100}
        autoComplete="off"
        required
      />
    </Form>
  );
}
