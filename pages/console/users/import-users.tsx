import { useState } from "preact/hooks";
import { type components, ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { faultOf } from "../../shared/problem.ts";
import { type Texts, useTexts } from "../../texts/texts.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Field, Form } from "../../ui/form.tsx";
import { Notice } from "../../ui/notice.tsx";
import { cutRows, readRows } from "./import-file.ts";

type Outcome = components["schemas"]["ImportResult"]["data"][number];

interface Progress {
  total: number;
  created: number;
  rejected: Outcome[];
  isDone: boolean;
}

/** Rejected rows that are shown. Whoever has more needs another file anyway. */
const MAX_SHOWN = 100;

/** Creates users from a file. */
export function ImportUsers({ onDone }: { onDone: () => void }) {
  const { common, users } = useTexts();
  const texts = users.import;
  const [isOpen, setOpen] = useState(false);
  const [progress, setProgress] = useState<Progress>();
  const close = () => {
    setOpen(false);
    if (progress && progress.created > 0) onDone();
    setProgress(undefined);
  };
  const send = async (values: FormData) => {
    const rows = await readFile(values.get("file"), texts);
    let [sent, created, rejected] = [0, 0, [] as Outcome[]];
    for (const data of cutRows(rows)) {
      setProgress({ total: rows.length, created, rejected, isDone: false });
      const result = await ok(api.POST("/v1/users/import", { body: { data } as never }));
      const refused = result.data.filter(({ status }) => status === "rejected");
      const first = sent;
      rejected = [...rejected, ...refused.map((row) => ({ ...row, index: row.index + first }))];
      created += result.created;
      sent += data.length;
    }
    setProgress({ total: rows.length, created, rejected, isDone: true });
  };
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        {texts.open}
      </button>
      {isOpen && (
        <Dialog title={texts.title} onClose={close}>
          {progress && <Result of={progress} />}
          {progress?.isDone ? (
            <button type="button" onClick={close}>
              {common.close}
            </button>
          ) : (
            <Form
              submit={texts.submit}
              onSubmit={send}
              onCancel={close}
              cancel={common.cancel}
              fields={["file"]}
            >
              <Field
                label={texts.file}
                name="file"
                type="file"
                accept=".ndjson,.jsonl,.json"
                hint={texts.fileHint}
                required
              />
            </Form>
          )}
        </Dialog>
      )}
    </>
  );
}

async function readFile(file: FormDataEntryValue | null, texts: Texts["users"]["import"]) {
  if (!(file instanceof File) || file.size === 0) throw faultOf("file", texts.noFile);
  try {
    return readRows(await file.text());
  } catch {
    throw faultOf("file", texts.unreadable);
  }
}

function Result({ of: { total, created, rejected, isDone } }: { of: Progress }) {
  const { import: texts } = useTexts().users;
  return (
    <Notice kind={isDone && rejected.length === 0 ? "success" : "info"}>
      <p>{texts.progress(created, total)}</p>
      {rejected.length > 0 && <p>{texts.rejected(rejected.length)}</p>}
      <ul class="outcomes">
        {rejected.slice(0, MAX_SHOWN).map(({ index, errors = [] }) => (
          <li key={index}>
            {texts.row(index + 1)}{" "}
            {errors.map(({ path, message }) => `${path}: ${message}`).join(" ")}
          </li>
        ))}
      </ul>
    </Notice>
  );
}
