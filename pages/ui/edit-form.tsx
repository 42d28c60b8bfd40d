import type { ComponentChildren, TargetedEvent } from "preact";
import { useState } from "preact/hooks";
import { isProblem } from "roster-client";
import { useTexts } from "../texts/texts.ts";
import { Conflict, type Difference } from "./conflict.tsx";
import { Form } from "./form.tsx";
import { Notice } from "./notice.tsx";

/** Data and the ETag of its version. */
export interface Versioned<T> {
  data: T;
  etag: string;
}

/** The texts in the fields of a form, by the field's name. */
export type Values = Readonly<Record<string, string>>;

interface BoundField {
  name: string;
  label: string;
  value: string;
  onInput: (event: FieldEvent) => void;
}

type FieldEvent = TargetedEvent<HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement>;

interface EditFormProps<T> {
  label: string;
  version: Versioned<T>;
  /** The labels of the fields, by name. */
  labels: Values;
  toValues: (data: T) => Values;
  /** How a value reads, if not as it is in the field. */
  describe?: (name: string, value: string) => string;
  /** Saves the changed fields, over the version given. */
  save: (changes: Values, version: Versioned<T>) => Promise<Versioned<T>>;
  load: () => Promise<Versioned<T>>;
  /** Gets what was saved, or what someone else saved. */
  onChange: (version: Versioned<T>) => void;
  onCancel?: () => void;
  /** Saves without asking if someone else has changed other fields only. */
  isMerging?: boolean;
  children: (bind: (name: string) => BoundField) => ComponentChildren;
}

interface Dispute<T> {
  theirs: Versioned<T>;
  changes: Values;
  differences: Difference[];
}

/**
 * Edits something that has an ETag, and sends what was changed only. If someone else has saved another version meanwhile, it shows what
 * differs, and the person chooses. What only the other one changed stays.
 */
export function EditForm<T>(props: EditFormProps<T>) {
  const { label, version, labels, toValues, describe, save, load, onChange, onCancel } = props;
  const { common } = useTexts();
  const [edits, setEdits] = useState<Values>({});
  const [isSaved, setSaved] = useState(false);
  const [dispute, setDispute] = useState<Dispute<T>>();
  const original = toValues(version.data);
  const names = Object.keys(labels);

  const show = (next: Versioned<T>) => {
    setEdits({});
    setDispute(undefined);
    onChange(next);
  };
  const compare = (changes: Values, theirs: Values): Difference[] => {
    const read = (name: string, value = "") => describe?.(name, value) ?? value;
    return names
      .filter((name) => theirs[name] !== (changes[name] ?? original[name]))
      .map((name) => ({
        label: labels[name] ?? name,
        theirs: read(name, theirs[name]),
        yours: name in changes ? read(name, changes[name]) : common.conflict.untouched,
      }));
  };
  const send = async (changes: Values, over: Versioned<T>): Promise<void> => {
    try {
      show(await save(changes, over));
      setSaved(true);
    } catch (error) {
      if (!isProblem(error, "version_conflict")) throw error;
      const theirs = await load();
      const saved = toValues(theirs.data);
      const differences = compare(changes, saved);
      const disputed = props.isMerging ? Object.keys(changes) : names;
      const isOther = disputed.some((name) => saved[name] !== original[name]);
      if (isOther && differences.length > 0) setDispute({ theirs, changes, differences });
      else await send(changes, theirs);
    }
  };
  const submit = async () => {
    const changes = Object.fromEntries(
      Object.entries(edits).filter(([name, value]) => value !== original[name]),
    );
    if (Object.keys(changes).length > 0) await send(changes, version);
    else setSaved(true);
  };
  const bind = (name: string): BoundField => ({
    name,
    label: labels[name] ?? name,
    value: edits[name] ?? original[name] ?? "",
    onInput: ({ currentTarget }) => {
      setEdits({ ...edits, [name]: currentTarget.value });
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
        {props.children(bind)}
        {isSaved && <Notice kind="success">{common.saved}</Notice>}
      </Form>
      {dispute && (
        <Conflict
          key={dispute.theirs.etag}
          differences={dispute.differences}
          onKeepYours={() => send(dispute.changes, dispute.theirs)}
          onTakeTheirs={() => show(dispute.theirs)}
        />
      )}
    </>
  );
}

/** The texts of these fields; empty where there is none. */
export function toTexts<Name extends string>(
  data: Readonly<Partial<Record<Name, string | null>>>,
  names: readonly Name[],
): Values {
  return Object.fromEntries(names.map((name) => [name, data[name] ?? ""]));
}

/** The changes as the API takes them: fields that were cleared are null. */
export function clearEmpty(changes: Values): Record<string, string | null> {
  return Object.fromEntries(Object.entries(changes).map(([name, text]) => [name, text || null]));
}
