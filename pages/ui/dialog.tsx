import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { faultOf } from "../shared/problem.ts";
import { useTexts } from "../texts/texts.ts";
import { Field, Form } from "./form.tsx";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}

/** A modal dialog. It is open while it is rendered; Escape closes it, and the focus returns to where it was. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const opener = document.activeElement;
    element.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  /** What happens. */
  children: ComponentChildren;
  /** The text of the button. */
  confirm: string;
  /** What must be typed, for what cannot be undone. */
  name?: string;
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
}

/** Asks before something dangerous. With a name, it must be typed first. Closes after success. */
export function Confirm({ title, children, confirm, name, onConfirm, onClose }: ConfirmProps) {
  const { common } = useTexts();
  const run = async (values: FormData) => {
    if (name !== undefined && values.get("name") !== name) {
      throw faultOf("name", common.notTheName(name));
    }
    await onConfirm();
    onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <Form
        submit={confirm}
        onSubmit={run}
        onCancel={onClose}
        cancel={common.cancel}
        fields={["name"]}
        isDangerous
      >
        {name !== undefined && (
          <Field label={common.typeName(name)} name="name" autoComplete="off" required />
        )}
      </Form>
    </Dialog>
  );
}
