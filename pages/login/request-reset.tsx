import { ok } from "roster-client";
import { api } from "../shared/api.ts";
import { useTexts } from "../texts/texts.ts";
import { Field, Form, textOf } from "../ui/form.tsx";

interface RequestResetProps {
  onDone: () => void;
  onCancel?: () => void;
}

/** Requests an email with a link that sets a new password. The service does not say whether anyone has the address. */
export function RequestReset({ onDone, onCancel }: RequestResetProps) {
  const { common, login } = useTexts();
  const send = async (values: FormData) => {
    const email = textOf(values, "email").trim();
    await ok(api.POST("/v1/auth/password/forgot", { body: { email } }));
    onDone();
  };
  return (
    <Form
      submit={login.sendLink}
      onSubmit={send}
      fields={["email"]}
      {...(onCancel && { onCancel, cancel: common.back })}
    >
      <Field label={login.email} name="email" type="email" autoComplete="email" required />
    </Form>
  );
}
