import { isProblem, ok } from "roster-client";
import { api } from "../shared/api.ts";
import { useTexts } from "../texts/texts.ts";
import { Form, textOf } from "../ui/form.tsx";
import { NewPasswordField } from "../ui/password-field.tsx";

interface SetPasswordProps {
  /** The token of a reset, of an invitation, or of a login with an expired password. */
  token: string;
  onDone: () => void;
  /** Called instead if the token no longer works. */
  onExpired: () => void;
  onCancel?: () => void;
}

/** Sets a new password. All sessions of the account end. */
export function SetPassword({ token, onDone, onExpired, onCancel }: SetPasswordProps) {
  const { common, login } = useTexts();
  const send = async (values: FormData) => {
    const body = { token, password: textOf(values, "password") };
    try {
      await ok(api.POST("/v1/auth/password/reset", { body }));
    } catch (error) {
      if (!isProblem(error, "invalid_token")) throw error;
      onExpired();
      return;
    }
    onDone();
  };
  return (
    <Form
      submit={login.setPassword}
      onSubmit={send}
      fields={["password"]}
      {...(onCancel && { onCancel, cancel: common.back })}
    >
      <NewPasswordField label={login.newPassword} name="password" />
    </Form>
  );
}
