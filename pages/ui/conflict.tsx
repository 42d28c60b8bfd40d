import { useTexts } from "../texts/texts.ts";
import { Dialog } from "./dialog.tsx";
import { useAction } from "./load.tsx";
import { ProblemNotice } from "./notice.tsx";

/** A field that two people changed: how it reads for each. */
export interface Difference {
  label: string;
  theirs: string;
  yours: string;
}

interface ConflictProps {
  differences: readonly Difference[];
  /** Saves again, over what someone else saved. */
  onKeepYours: () => Promise<unknown>;
  /** Goes on with what someone else saved. */
  onTakeTheirs: () => void;
}

/** Shows what someone else saved meanwhile (412), beside what the person entered, and lets them choose. */
export function Conflict({ differences, onKeepYours, onTakeTheirs }: ConflictProps) {
  const { common } = useTexts();
  const { run, isBusy, problem } = useAction();
  const { conflict } = common;
  return (
    <Dialog title={conflict.title} onClose={onTakeTheirs}>
      <p>{conflict.intro}</p>
      <table>
        <thead>
          <tr>
            <th scope="col">{conflict.field}</th>
            <th scope="col">{conflict.theirs}</th>
            <th scope="col">{conflict.yours}</th>
          </tr>
        </thead>
        <tbody>
          {differences.map(({ label, theirs, yours }) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              <td>{theirs || common.none}</td>
              <td>{yours || common.none}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {problem && <ProblemNotice problem={problem} />}
      <div class="actions">
        <button type="button" class="primary" disabled={isBusy} onClick={() => run(onKeepYours)}>
          {conflict.keepYours}
        </button>
        <button type="button" onClick={onTakeTheirs}>
          {conflict.takeTheirs}
        </button>
      </div>
    </Dialog>
  );
}
