import { useSession } from "../../shared/session.ts";
import { useTexts } from "../../texts/texts.ts";
import { Table } from "../../ui/table.tsx";
import { Time } from "../../ui/time.tsx";
import type { AuditEvent } from "../audit/data.ts";
import { useNames } from "../audit/names.ts";

/** The latest lock-outs, each with a link to the user. */
export function LockOuts({ events }: { events: AuditEvent[] }) {
  const { operations: texts } = useTexts();
  const names = useNames(events);
  const mayReadUsers = useSession()?.permissions.has("users:read");
  return (
    <section class="section" aria-label={texts.lockOuts}>
      <h2>{texts.lockOuts}</h2>
      {events.length === 0 && <p class="hint">{texts.noLockOuts}</p>}
      {events.length > 0 && (
        <Table caption={texts.lockOuts} columns={[texts.when, texts.user, texts.from]}>
          {events.map(({ id, created_at, target_id, ip }) => (
            <tr key={id}>
              <td>
                <Time at={created_at} hasSeconds />
              </td>
              <td>
                {mayReadUsers ? (
                  <a href={`/console/users/${target_id}`}>
                    {names.get(target_id ?? "") ?? target_id}
                  </a>
                ) : (
                  target_id
                )}
              </td>
              <td>{ip}</td>
            </tr>
          ))}
        </Table>
      )}
      <p>
        <a href="/console/audit?action=auth.locked_out">{texts.allLockOuts}</a>
      </p>
    </section>
  );
}
