import { useState } from "preact/hooks";
import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { Form, textOf } from "../../ui/form.tsx";
import { NewPasswordField, PasswordField } from "../../ui/password-field.tsx";
import { withCurrentPassword } from "../current-password.ts";

interface ChangePasswordProps {
  username: string;
  hasPassword: boolean;
  onDone: () => void;
}

/** Changes the password, or sets one for an account that has none. */
export function ChangePassword({ username, hasPassword, onDone }: ChangePasswordProps) {
  const { account } = useTexts();
  const { password } = account;
  const [runs, setRuns] = useState(0);
  const title = hasPassword ? password.change : password.setOne;
  const send = async (values: FormData) => {
    const newPassword = textOf(values, "new_password");
    if (hasPassword) {
      const body = {
        current_password: textOf(values, "current_password"),
        new_password: newPassword,
      };
      const call = ok(api.POST("/v1/auth/password/change", { body }));
      await withCurrentPassword(call, password.wrong);
    } else {
      await ok(api.PUT("/v1/auth/password", { body: { new_password: newPassword } }));
    }
    setRuns(runs + 1);
    onDone();
  };
  return (
    <section class="card entry">
      <h2>{title}</h2>
      <p>{hasPassword ? password.changeIntro : password.setIntro}</p>
      <Form
        key={runs}
        submit={title}
        label={title}
        fields={["current_password", "new_password"]}
        onSubmit={send}
      >
        {/* Tells password managers which password changes. */}
        <input type="text" name="username" value={username} autoComplete="username" hidden />
        {hasPassword && (
          <PasswordField
            label={password.current}
            name="current_password"
            autoComplete="current-password"
          />
        )}
        <NewPasswordField label={password.new} name="new_password" />
      </Form>
    </section>
  );
}
