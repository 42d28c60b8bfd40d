import { useLocation } from "preact-iso";
import { api, ok } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { Show, useLoad } from "../../ui/load.tsx";
import { Table } from "../../ui/table.tsx";
import { Time } from "../../ui/time.tsx";
import { toAddress } from "./data.ts";
import { PageLinks } from "./page-links.tsx";

const PAGE_SIZE = 50;

/** Counts of what concerns no known account, and of refusals. */
export function Unattributed() {
  const { audit: texts } = useTexts();
  const { cursor } = useLocation().query;
  const loaded = useLoad(() => {
    const query = { limit: PAGE_SIZE, ...(cursor && { cursor }) };
    return ok(api.GET("/v1/audit-events/unattributed", { params: { query } }));
  }, [cursor]);
  const columns = [texts.hour, texts.action, texts.network, texts.subject, texts.count];
  return (
    <>
      <p>{texts.unattributedIntro}</p>
      <Show of={loaded}>
        {({ data, pagination }) => (
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
                    <td class="number">{count}</td>
                  </tr>
                ))}
              </Table>
            )}
            <PageLinks values={{ view: "unattributed" }} next={pagination.next_cursor} />
          </>
        )}
      </Show>
    </>
  );
}
