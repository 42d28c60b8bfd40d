import type { ComponentChildren } from "preact";
import type { Fault, RosterProblem } from "roster-client";
import { useLocale } from "../texts/texts.ts";
import { useFaultText } from "./fault-text.ts";

interface NoticeProps {
  kind: "info" | "success" | "warning" | "error";
  children: ComponentChildren;
}

/** A message about what has happened. Screen readers announce it. */
export function Notice({ kind, children }: NoticeProps) {
  return (
    <div class={`notice ${kind}`} role={kind === "error" ? "alert" : "status"}>
      {children}
    </div>
  );
}

/** Why an operation failed, and the faults that no field shows. */
export function ProblemNotice({
  problem,
  faults,
}: {
  problem: RosterProblem;
  faults?: readonly Fault[];
}) {
  const { texts, language } = useLocale();
  const { common, problems } = texts;
  const faultText = useFaultText();
  const { code, request_id, detail, title } = problem.body;
  const text = problems[code] ?? (detail || title);
  const listed = faults ?? problem.errors;
  return (
    <Notice kind="error">
      <p>
        {text}
        {problem.retryAfter && ` ${common.retryIn(formatWait(problem.retryAfter, language))}`}
      </p>
      {listed.length > 0 && (
        <ul>
          {listed.map((fault) => (
            <li key={`${fault.path} ${fault.message}`}>
              {fault.path}: {faultText(fault)}
            </li>
          ))}
        </ul>
      )}
      {problem.body.status >= 500 && request_id && <p class="hint">{request_id}</p>}
    </Notice>
  );
}

/** A number of seconds, as "in 12 minutes". */
function formatWait(seconds: number, language: string): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: "always" });
  return seconds < 90
    ? format.format(seconds, "second")
    : format.format(Math.ceil(seconds / 60), "minute");
}
