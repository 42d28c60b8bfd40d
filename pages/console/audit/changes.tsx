import { useTexts } from "../../texts/texts.ts";
import type { AuditEvent } from "./data.ts";

/** What an event changed, each field from its former value, if there was one, to its new one. */
export function Changes({ changes }: Pick<AuditEvent, "changes">) {
  const { audit: texts, activity } = useTexts();
  const labels: Readonly<Record<string, string>> = activity.fields;
  const fields = Object.entries(changes).filter(
    ([, change]) => !change || !isNone(change.from) || !isNone(change.to),
  );
  if (fields.length === 0) return null;
  return (
    <span class="changes">
      {fields.map(([field, change]) => (
        <span key={field}>
          {labels[field] ?? <code>{field}</code>}:{" "}
          {change ? (
            <>
              {!isNone(change.from) && (
                <>
                  <Value of={change.from} /> <span aria-hidden="true">→</span>
                  <span class="hidden">{texts.becomes}</span>{" "}
                </>
              )}
              <Value of={change.to} />
            </>
          ) : (
            texts.changed
          )}
        </span>
      ))}
    </span>
  );
}

function Value({ of: value }: { of: unknown }) {
  const { common } = useTexts();
  if (isNone(value)) return <i>{common.none}</i>;
  if (typeof value === "boolean") return <>{value ? common.yes : common.no}</>;
  return <>{typeof value === "string" ? value : JSON.stringify(value)}</>;
}

function isNone(value: unknown): boolean {
  return value === null || value === undefined || value === "";
}
