import type { components } from "roster-client";
import { useSession } from "../../shared/session.ts";
import { useTexts } from "../../texts/texts.ts";
import { Time } from "../../ui/time.tsx";
import { useDeviceName } from "../origin.tsx";

type AuditEvent = components["schemas"]["AuditEvent"];

/** An event of the person's own audit trail: what happened, when, by whom and from where. */
export function Event({ event }: { event: AuditEvent }) {
  const { activity } = useTexts();
  const nameDevice = useDeviceName();
  const by = useActor(event);
  const actions: Readonly<Record<string, string>> = activity.actions;
  const place = [event.user_agent && nameDevice(event.user_agent), event.ip].filter(Boolean);
  return (
    <li>
      <div>
        <h2>{actions[event.action] ?? event.action}</h2>
        <p class="hint">
          <Time at={event.created_at} />
          {by && <> · {by}</>}
          {place.length > 0 && <> · {place.join(", ")}</>}
        </p>
        <Changes changes={event.changes} />
      </div>
    </li>
  );
}

/** Who acted, if it was not the person themselves. */
function useActor({ actor_type: type, actor_id: id, metadata }: AuditEvent): string | undefined {
  const { by } = useTexts().activity;
  const session = useSession();
  if (type === "system") return by.system;
  if (type === "anonymous") return undefined;
  if (type === "api_key") return metadata.user_id === session?.userId ? by.ownKey : by.otherKey;
  return id === session?.userId ? undefined : by.other;
}

function Changes({ changes }: Pick<AuditEvent, "changes">) {
  const { activity } = useTexts();
  // The owner of one's own key is no news.
  const entries = Object.entries(changes).filter(([field]) => field !== "user_id");
  if (entries.length === 0) return null;
  const fields: Readonly<Record<string, string>> = activity.fields;
  return (
    <ul class="changes">
      {entries.map(([field, change]) => (
        <li key={field}>
          {fields[field] ?? field}
          {change && (
            <>
              {": "}
              {change.from !== null && (
                <>
                  <Value value={change.from} /> →{" "}
                </>
              )}
              <Value value={change.to} />
            </>
          )}
        </li>
      ))}
    </ul>
  );
}

function Value({ value }: { value: unknown }) {
  const { common } = useTexts();
  if (value === null || value === undefined || value === "") return <>{common.none}</>;
  if (typeof value === "boolean") return <>{value ? common.yes : common.no}</>;
  return <>{typeof value === "string" ? value : JSON.stringify(value)}</>;
}
