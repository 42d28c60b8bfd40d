import { useState } from "preact/hooks";
import { ok, RosterProblem } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Form } from "../../ui/form.tsx";
import { saveFile } from "../../ui/save-file.ts";
import { type Selection, toQuery } from "./query.ts";

/** Downloads everyone whom the filters select, one user per line. */
export function ExportUsers({ selection }: { selection: Selection }) {
  const { common, users } = useTexts();
  const [isOpen, setOpen] = useState(false);
  const close = () => setOpen(false);
  const save = async () => {
    const params = { query: toQuery(selection) };
    const lines = await ok(api.GET("/v1/users/export", { params, parseAs: "blob" }));
    if (!(await isComplete(lines))) throw interrupted();
    saveFile("users.ndjson", lines, "application/x-ndjson");
    close();
  };
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        {users.export.open}
      </button>
      {isOpen && (
        <Dialog title={users.export.title} onClose={close}>
          <p>{users.export.intro}</p>
          <Form submit={common.download} onSubmit={save} onCancel={close} cancel={common.cancel} />
        </Dialog>
      )}
    </>
  );
}

/** A transfer that the service breaks off does not end with a line feed. */
async function isComplete(lines: Blob): Promise<boolean> {
  return lines.size === 0 || (await lines.slice(-1).text()) === "\n";
}

function interrupted(): RosterProblem {
  const code = "network_error";
  return new RosterProblem({ code, title: code, detail: "", status: 0 });
}
