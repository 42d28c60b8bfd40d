import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { Show } from "../../ui/load.tsx";
import { Pager, usePages } from "../../ui/pages.tsx";

const PAGE_SIZE = 30;

/** The seals of the trail's days. */
export function Seals() {
  const { audit: texts, common } = useTexts();
  const pages = usePages((cursor) => {
    const query = { limit: PAGE_SIZE, ...cursor };
    return ok(api.GET("/v1/audit-events/seals", { params: { query } }));
  }, []);
  return (
    <>
      <p>{texts.sealsIntro}</p>
      <Show of={pages.loaded}>
        {({ data }) => (
          <>
            {data.length === 0 && <p>{texts.sealsNone}</p>}
            {data.length > 0 && (
              <ol class="events" aria-label={texts.views.seals}>
                {data.map((seal) => (
                  <li key={seal.day}>
                    <details class="event">
                      <summary>
                        <span class="when">{seal.day}</span>{" "}
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
            )}
            <Pager of={pages} />
          </>
        )}
      </Show>
    </>
  );
}
