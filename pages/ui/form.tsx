import type {
  ComponentChildren,
  InputHTMLAttributes,
  SelectHTMLAttributes,
  TargetedSubmitEvent,
} from "preact";
import { createContext } from "preact";
import { useContext, useId, useState } from "preact/hooks";
import type { RosterProblem } from "roster-client";
import { toProblem } from "../shared/problem.ts";
import { useFaultText } from "./fault-text.ts";
import { ProblemNotice } from "./notice.tsx";

/** The faults of the form's last submission, by the path of the field. */
const FaultContext = createContext<ReadonlyMap<string, string>>(new Map());

interface FormProps {
  /** The text of the button. */
  submit: string;
  /** Sends the form. What it throws is shown: faults at their fields, everything else above the button. */
  onSubmit: (values: FormData) => Promise<unknown>;
  onCancel?: () => void;
  cancel?: string;
  isDangerous?: boolean;
  /** The names of the fields. Faults of other fields are shown above the button. */
  fields?: readonly string[];
  label?: string;
  children?: ComponentChildren;
}

/** A form that is sent once at a time and shows what is wrong with it. Enter submits. */
export function Form(props: FormProps) {
  const { submit, onSubmit, onCancel, cancel, isDangerous, fields = [], label, children } = props;
  const [problem, setProblem] = useState<RosterProblem>();
  const [isBusy, setBusy] = useState(false);
  const send = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (isBusy) return;
    const form = event.currentTarget;
    setBusy(true);
    setProblem(undefined);
    try {
      await onSubmit(new FormData(form));
    } catch (error) {
      const failure = toProblem(error);
      setProblem(failure);
      const first = failure.errors.find(({ path }) => fields.includes(path));
      const field = first && form.elements.namedItem(first.path);
      if (field instanceof HTMLElement) field.focus();
    } finally {
      setBusy(false);
    }
  };
  const faultText = useFaultText();
  const faults = new Map(problem?.errors.map((fault) => [fault.path, faultText(fault)]));
  const others = problem?.errors.filter(({ path }) => !fields.includes(path)) ?? [];
  return (
    <form onSubmit={send} aria-label={label} aria-busy={isBusy} noValidate>
      <FaultContext.Provider value={faults}>{children}</FaultContext.Provider>
      {problem && <ProblemNotice problem={problem} faults={others} />}
      <div class="actions">
        <button type="submit" class={isDangerous ? "danger" : "primary"} disabled={isBusy}>
          {submit}
        </button>
        {onCancel && (
          <button type="button" onClick={onCancel}>
            {cancel}
          </button>
        )}
      </div>
    </form>
  );
}

type FieldProps = {
  label: string;
  name: string;
  hint?: ComponentChildren;
  /** The id of a `datalist` with suggestions. */
  list?: string;
} & Omit<InputHTMLAttributes<HTMLInputElement>, "label" | "name" | "role">;

/** A text field with its label, hint and fault. A field of type `code` is for one-time codes. */
export function Field({ label, name, hint, ...input }: FieldProps) {
  const { id, fault, describedBy } = useField(name, hint !== undefined);
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        {...(input as InputHTMLAttributes<HTMLInputElement>)}
        aria-describedby={describedBy}
        aria-invalid={fault !== undefined}
      />
      <FieldNotes id={id} hint={hint} fault={fault} />
    </p>
  );
}

interface CodeFieldProps {
  label: string;
  name?: string;
  hint?: ComponentChildren;
}

/** A field for a one-time code, which browsers and phones fill in. */
export function CodeField({ label, name = "code", hint }: CodeFieldProps) {
  return (
    <Field
      label={label}
      name={name}
      hint={hint}
      autoComplete="one-time-code"
      autoCapitalize="off"
      spellcheck={false}
      required
    />
  );
}

type SelectProps = {
  label: string;
  name: string;
  hint?: ComponentChildren;
  options: readonly (readonly [value: string, text: string])[];
} & Omit<SelectHTMLAttributes<HTMLSelectElement>, "label" | "name" | "role">;

/** A choice of one of a few values. */
export function Select({ label, name, hint, options, ...select }: SelectProps) {
  const { id, fault, describedBy } = useField(name, hint !== undefined);
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        name={name}
        {...select}
        aria-describedby={describedBy}
        aria-invalid={fault !== undefined}
      >
        {options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
      <FieldNotes id={id} hint={hint} fault={fault} />
    </p>
  );
}

type CheckboxProps = { label: ComponentChildren; name: string } & Omit<
  InputHTMLAttributes<HTMLInputElement>,
  "label" | "name" | "role" | "type"
>;

export function Checkbox({ label, name, ...input }: CheckboxProps) {
  const id = useId();
  return (
    <p class="check">
      <input id={id} type="checkbox" name={name} {...input} />
      <label for={id}>{label}</label>
    </p>
  );
}

/** What a field of one's own needs: its id, its fault, and what describes it. */
export function useField(name: string, hasHint: boolean) {
  const id = useId();
  const fault = useContext(FaultContext).get(name);
  const notes = [hasHint && `${id}-hint`, fault !== undefined && `${id}-fault`].filter(Boolean);
  return { id, fault, describedBy: notes.length > 0 ? notes.join(" ") : undefined };
}

interface Notes {
  id: string;
  hint: ComponentChildren;
  fault: string | undefined;
}

/** The hint and the fault of a field. */
export function FieldNotes({ id, hint, fault }: Notes) {
  return (
    <>
      {hint !== undefined && (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {fault !== undefined && (
        <span class="fault" id={`${id}-fault`}>
          {fault}
        </span>
      )}
    </>
  );
}

/** The text of a field; empty if there is none. */
export function textOf(values: FormData, name: string): string {
  const value = values.get(name);
  return typeof value === "string" ? value : "";
}
