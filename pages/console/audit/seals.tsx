import { useLocation } from "preact-iso";
import { api, ok } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { Show, useLoad } from "../../ui/load.tsx";
import { PageLinks } from "./page-links.tsx";

const PAGE_SIZE = 30;

/** The seals of the trail's days. */
export function Seals() {
  const { audit: texts, common } = useTexts();
  const { cursor } = useLocation().query;
  const loaded = useLoad(() => {
    const query = { limit: PAGE_SIZE, ...(cursor && { cursor }) };
    return ok(api.GET("/v1/audit-events/seals", { params: { query } }));
  }, [cursor]);
  return (
    <>
      <p>{texts.sealsIntro}</p>
      <Show of={loaded}>
        {({ data, pagination }) => (
          <>
            {data.length === 0 && <p>{texts.sealsNone}</p>}
            <ol class="events" aria-label={texts.views.seals}>
              {data.map((seal) => (
                <li key={seal.day}>
                  <details class="event">
                    <summary>
                      <span class="when">{seal.day}</span>
                      <span class="what">{texts.counted(seal.count)}</span>
                    </summary>
                    <dl class="facts">
                      <dt>{texts.digest}</dt>
                      <dd>{seal.digest}</dd>
                      <dt>{texts.previousDigest}</dt>
                      <dd>{seal.previous_digest ?? common.none}</dd>
                      <dt>{texts.signature}</dt>
                      <dd>{seal.signature}</dd>
                      <dt>{texts.kid}</dt>
                      <dd>{seal.kid}</dd>
                    </dl>
                  </details>
                </li>
              ))}
            </ol>
            <PageLinks values={{ view: "seals" }} next={pagination.next_cursor} />
          </>
        )}
      </Show>
    </>
  );
}
