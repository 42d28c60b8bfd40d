import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Confirm } from "../../ui/dialog.tsx";
import { useAction } from "../../ui/load.tsx";
import { Notice, ProblemNotice } from "../../ui/notice.tsx";

interface TaskProps {
  title: string;
  /** What it does. */
  children: ComponentChildren;
  /** The text of the button. */
  button: string;
  /** Shown after it was done. */
  done: string;
  onRun: () => Promise<unknown>;
  /** Asks first. */
  asks?: boolean;
  /** Must be typed first, for what cannot be undone. */
  name?: string;
}

/** Something that can be done with an account, with what it means. */
export function Task({ title, children, button, done, onRun, asks, name }: TaskProps) {
  const { run, isBusy, problem } = useAction();
  const [isAsking, setAsking] = useState(false);
  const [isDone, setDone] = useState(false);
  const isAsked = asks || name !== undefined;
  const act = async () => {
    setDone(false);
    await onRun();
    setDone(true);
  };
  return (
    <li>
      <div>
        <h3>{title}</h3>
        <p class="hint">{children}</p>
      </div>
      <button
        type="button"
        class={name === undefined ? undefined : "danger"}
        disabled={isBusy}
        onClick={() => (isAsked ? setAsking(true) : run(act))}
      >
        {button}
      </button>
      {isDone && <Notice kind="success">{done}</Notice>}
      {problem && <ProblemNotice problem={problem} />}
      {isAsking && (
        <Confirm
          title={title}
          confirm={button}
          {...(name !== undefined && { name })}
          onConfirm={act}
          onClose={() => setAsking(false)}
        >
          <p>{children}</p>
        </Confirm>
      )}
    </li>
  );
}
