import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { settings } from "../shared/settings.ts";
import { useTexts } from "../texts/texts.ts";
import { FieldNotes, useField } from "./form.tsx";

interface PasswordFieldProps {
  label: string;
  name: string;
  autoComplete: "current-password" | "new-password";
  hint?: ComponentChildren;
}

/** A field for a password, with a button that shows what was typed. */
export function PasswordField({ label, name, autoComplete, hint }: PasswordFieldProps) {
  const { common } = useTexts();
  const [isShown, setShown] = useState(false);
  const { id, fault, describedBy } = useField(name, hint !== undefined);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="with-button">
        <input
          id={id}
          name={name}
          {...(isShown ? ({ type: "text" } as const) : ({ type: "password" } as const))}
          autoComplete={autoComplete}
          autoCapitalize="off"
          spellcheck={false}
          required
          aria-describedby={describedBy}
          aria-invalid={fault !== undefined}
        />
        <button
          type="button"
          aria-controls={id}
          aria-label={isShown ? common.hidePassword : common.showPassword}
          onClick={() => setShown(!isShown)}
        >
          {isShown ? common.hide : common.show}
        </button>
      </div>
      <FieldNotes id={id} hint={hint} fault={fault} />
    </div>
  );
}

/** A field for a new password, which says what passwords must be like. */
export function NewPasswordField({ label, name }: Pick<PasswordFieldProps, "label" | "name">) {
  const { login } = useTexts();
  const rules = login.passwordRules(settings.password_min_length);
  return <PasswordField label={label} name={name} autoComplete="new-password" hint={rules} />;
}
