import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { useTitle } from "../../ui/layout.tsx";
import { Show } from "../../ui/load.tsx";
import { Pager, usePages } from "../../ui/pages.tsx";
import { Event } from "./event.tsx";

/** What has happened to the account and what the person did: their part of the audit trail. */
export function Activity() {
  const { account, activity } = useTexts();
  useTitle(account.nav.activity);
  const pages = usePages(
    (cursor) =>
      ok(
        api.GET("/v1/users/{id}/audit-events", {
          params: { path: { id: "me" }, query: { limit: 20, ...cursor } },
        }),
      ),
    [],
  );
  return (
    <>
      <h1>{account.nav.activity}</h1>
      <p>{activity.intro}</p>
      <Show of={pages.loaded}>
        {({ data }) => (
          <>
            {data.length === 0 && <p>{activity.none}</p>}
            <ol class="items">
              {data.map((event) => (
                <Event key={event.id} event={event} />
              ))}
            </ol>
            <Pager of={pages} />
          </>
        )}
      </Show>
    </>
  );
}
