import { useState } from "preact/hooks";
import { type ProblemBody, RosterProblem } from "roster-client";
import { api } from "../../shared/api.ts";
import { useLocale, useTexts } from "../../texts/texts.ts";
import { useAction } from "../../ui/load.tsx";
import { ProblemNotice } from "../../ui/notice.tsx";
import { saveFile } from "../../ui/save-file.ts";
import type { Filters } from "./data.ts";

const LINE_FEED = 10;

/** Downloads all events that the filters select, as NDJSON. */
export function ExportEvents({ filters }: { filters: Filters }) {
  const { audit: texts } = useTexts();
  const { language } = useLocale();
  const { run, isBusy, problem } = useAction();
  const [message, setMessage] = useState("");
  const format = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const download = async () => {
    setMessage("");
    const query = new URLSearchParams({ ...filters, format: "ndjson" });
    const response = await api.send(new Request(`/v1/audit-events?${query}`));
    if (!response.ok) throw new RosterProblem((await response.json()) as ProblemBody);
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let size = 0;
    const sizeText = () => format.format(size / 1e6);
    for await (const chunk of readChunks(response)) {
      chunks.push(chunk);
      size += chunk.length;
      setMessage(texts.exporting(sizeText()));
    }
    // An export that could not be completed breaks off within a line.
    const isComplete = size === 0 || chunks.at(-1)?.at(-1) === LINE_FEED;
    if (isComplete) saveFile("audit-events.ndjson", new Blob(chunks), "application/x-ndjson");
    setMessage(isComplete ? texts.exported(sizeText()) : texts.incomplete);
  };
  return (
    <div class="export">
      <button type="button" disabled={isBusy} onClick={() => void run(download)}>
        {texts.export}
      </button>
      {problem && <ProblemNotice problem={problem} />}
      <p class="hint" role="status">
        {!problem && message}
      </p>
    </div>
  );
}

// Not all browsers can iterate over the body itself.
async function* readChunks({ body }: Response): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = body?.getReader();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
