import type { ComponentChildren, TextareaHTMLAttributes } from "preact";
import { FieldNotes, useField } from "./form.tsx";

type TextAreaProps = {
  label: string;
  name: string;
  hint?: ComponentChildren;
} & Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, "label" | "name" | "role">;

/** A field for several lines of text. */
export function TextArea({ label, name, hint, ...textarea }: TextAreaProps) {
  const { id, fault, describedBy } = useField(name, hint !== undefined);
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        name={name}
        rows={4}
        {...textarea}
        aria-describedby={describedBy}
        aria-invalid={fault !== undefined}
      />
      <FieldNotes id={id} hint={hint} fault={fault} />
    </p>
  );
}
