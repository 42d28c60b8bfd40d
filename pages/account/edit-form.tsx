import type { ComponentChildren, TargetedInputEvent } from "preact";
import { useState } from "preact/hooks";
import { isProblem } from "../shared/problem.ts";
import { useTexts } from "../texts/texts.ts";
import { Conflict } from "../ui/conflict.tsx";
import { Form } from "../ui/form.tsx";
import { Notice } from "../ui/notice.tsx";

/** Data and the ETag of its version. */
export interface Versioned<T> {
  data: T;
  etag: string;
}

type Changes<T, Name extends keyof T> = Partial<Pick<T, Name>>;

/** What a field of the form needs. */
interface EditedField {
  name: string;
  label: string;
  value: string;
  onInput: (event: TargetedInputEvent<HTMLInputElement | HTMLTextAreaElement>) => void;
}

interface EditFormProps<T, Name extends keyof T & string> {
  label: string;
  version: Versioned<T>;
  /** The fields by name, in order, each with its label. */
  labels: Readonly<Record<Name, string>>;
  /** Fields that cannot be cleared. Others are sent as null when they are empty. */
  required?: readonly NoInfer<Name>[];
  /** Sends the fields that were changed. */
  save: (changes: Changes<T, Name>, etag: string) => Promise<Versioned<T>>;
  load: () => Promise<Versioned<T>>;
  /** Gets what was saved, or what someone else saved. */
  onChange: (version: Versioned<T>) => void;
  onCancel?: () => void;
  children: (field: (name: Name) => EditedField) => ComponentChildren;
}

interface Dispute<T, Name extends keyof T> {
  theirs: Versioned<T>;
  changes: Changes<T, Name>;
  names: readonly Name[];
}

/**
 * Edits texts of something that has an ETag. If someone else changed the same fields meanwhile, it shows both values; changes of
 * other fields are kept.
 */
export function EditForm<T, Name extends keyof T & string>(props: EditFormProps<T, Name>) {
  const { label, version, labels, required = [], save, load, onChange, onCancel, children } = props;
  const { common } = useTexts();
  const names = Object.keys(labels) as Name[];
  const read = (data: T) => new Map(names.map((name) => [name, textOf(data[name])]));
  const [entered, setEntered] = useState(() => read(version.data));
  const [isSaved, setSaved] = useState(false);
  const [dispute, setDispute] = useState<Dispute<T, Name>>();

  const show = (next: Versioned<T>) => {
    setEntered(read(next.data));
    setDispute(undefined);
    onChange(next);
  };
  const send = async (changes: Changes<T, Name>, base: Versioned<T>): Promise<void> => {
    try {
      show(await save(changes, base.etag));
      setSaved(true);
    } catch (error) {
      if (!isProblem(error, "version_conflict")) throw error;
      const theirs = await load();
      const disputed = names.filter(
        (name) =>
          name in changes &&
          ![base.data, changes]
            .map((data) => textOf(data[name]))
            .includes(textOf(theirs.data[name])),
      );
      if (disputed.length === 0) await send(changes, theirs);
      else setDispute({ theirs, changes, names: disputed });
    }
  };
  const submit = async () => {
    const changed = names.filter((name) => entered.get(name) !== textOf(version.data[name]));
    const changes = Object.fromEntries(
      changed.map((name) => [name, entered.get(name) || (required.includes(name) ? "" : null)]),
    ) as Changes<T, Name>;
    if (changed.length > 0) await send(changes, version);
    else setSaved(true);
  };
  const field = (name: Name): EditedField => ({
    name,
    label: labels[name],
    value: entered.get(name) ?? "",
    onInput: (event) => {
      setEntered(new Map(entered).set(name, event.currentTarget.value));
      setSaved(false);
    },
  });
  return (
    <>
      <Form
        submit={common.save}
        label={label}
        fields={names}
        onSubmit={submit}
        {...(onCancel && { onCancel, cancel: common.cancel })}
      >
        {children(field)}
        {isSaved && <Notice kind="success">{common.saved}</Notice>}
      </Form>
      {dispute && (
        <Conflict
          differences={dispute.names.map((name) => ({
            label: labels[name],
            theirs: textOf(dispute.theirs.data[name]),
            yours: textOf(dispute.changes[name]),
          }))}
          onKeepYours={() => send(dispute.changes, dispute.theirs)}
          onTakeTheirs={() => show(dispute.theirs)}
        />
      )}
    </>
  );
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
