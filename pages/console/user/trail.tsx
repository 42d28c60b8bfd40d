import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { Show } from "../../ui/load.tsx";
import { Pager, usePages } from "../../ui/pages.tsx";
import { EventLine } from "../audit/event-line.tsx";
import type { SectionProps } from "./user.tsx";

/** What concerns a user in the audit trail, the newest events first. */
export function Trail({ user }: SectionProps) {
  const { trailEmpty, sections } = useTexts().user;
  const pages = usePages((cursor) => {
    const params = { path: { id: user.id }, query: { limit: 25, ...cursor } };
    return ok(api.GET("/v1/users/{id}/audit-events", { params }));
  }, []);
  const names = new Map([[user.id, user.username]]);
  return (
    <>
      <Show of={pages.loaded}>
        {({ data }) =>
          data.length === 0 ? (
            <p>{trailEmpty}</p>
          ) : (
            <ol class="events" aria-label={sections.trail}>
              {data.map((event) => (
                <li key={event.id}>
                  <EventLine event={event} names={names} />
                </li>
              ))}
            </ol>
          )
        }
      </Show>
      <Pager of={pages} />
    </>
  );
}
