import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { Show } from "../../ui/load.tsx";
import { Pager, usePages } from "../../ui/pages.tsx";
import { Table } from "../../ui/table.tsx";
import { Time } from "../../ui/time.tsx";
import { toAddress } from "./data.ts";

const PAGE_SIZE = 50;

/** Counts of what concerns no known account, and of refusals. */
export function Unattributed() {
  const { audit: texts } = useTexts();
  const pages = usePages((cursor) => {
    const query = { limit: PAGE_SIZE, ...cursor };
    return ok(api.GET("/v1/audit-events/unattributed", { params: { query } }));
  }, []);
  const columns = [texts.hour, texts.action, texts.network, texts.subject, texts.count];
  return (
    <>
      <p>{texts.unattributedIntro}</p>
      <Show of={pages.loaded}>
        {({ data }) => (
          <>
            {data.length === 0 && <p>{texts.unattributedNone}</p>}
            {data.length > 0 && (
              <Table caption={texts.views.unattributed} columns={columns}>
                {data.map(({ hour, action, network, subject_id, count }) => (
                  <tr key={`${hour} ${action} ${network} ${subject_id}`}>
                    <td>
                      <Time at={hour} />
                    </td>
                    <td>{texts.unattributedActions[action]}</td>
                    <td>{network}</td>
                    <td>
                      {subject_id && (
                        <a href={toAddress({ target_id: subject_id })}>
                          <code>{subject_id}</code>
                        </a>
                      )}
                    </td>
                    <td>{count}</td>
                  </tr>
                ))}
              </Table>
            )}
            <Pager of={pages} />
          </>
        )}
      </Show>
    </>
  );
}
