import { ok } from "roster-client";
import { api } from "../shared/api.ts";
import { useTexts } from "../texts/texts.ts";
import { Copyable } from "../ui/copyable.tsx";
import { CodeField, Form, textOf } from "../ui/form.tsx";
import { Show, useLoad } from "../ui/load.tsx";
import type { EnrollmentProps } from "./enrollment.ts";
import { QrCode } from "./qr-code.tsx";

/** Adds an authenticator app: shows its secret, and takes a code that proves that the app has it. */
export function TotpEnrollment({ mfaToken, onDone, onCancel }: EnrollmentProps) {
  const { common, factors } = useTexts();
  const half = mfaToken === undefined ? {} : { mfa_token: mfaToken };
  const secret = useLoad(
    () => ok(api.POST("/v1/auth/factors/totp", { body: { name: factors.totp, ...half } })),
    [],
  );
  return (
    <Show of={secret}>
      {({ id, secret, otpauth_url }) => {
        const send = async (values: FormData) => {
          const body = { id, code: textOf(values, "code").trim(), ...half };
          const { recovery_codes } = await ok(api.POST("/v1/auth/factors/totp/confirm", { body }));
          await onDone(recovery_codes);
        };
        return (
          <>
            <ol>
              <li>{factors.scan}</li>
              <li>{factors.typeCode}</li>
            </ol>
            <QrCode text={otpauth_url} label={factors.qrCode} />
            <p class="hint">{factors.orTypeSecret}</p>
            <Copyable text={secret} label={factors.secret} />
            <Form
              submit={common.stepUp.confirm}
              onSubmit={send}
              {...(onCancel && { onCancel, cancel: common.cancel })}
            >
              <CodeField label={factors.code} />
            </Form>
          </>
        );
      }}
    </Show>
  );
}
