import { useEffect, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useSession } from "../../shared/session.ts";
import { useTexts } from "../../texts/texts.ts";
import { useTitle } from "../../ui/layout.tsx";
import { Show } from "../../ui/load.tsx";
import { Pager, usePages } from "../../ui/pages.tsx";
import { type BulkOutcome, BulkOutcomes } from "./bulk-outcomes.tsx";
import { CreateUser } from "./create-user.tsx";
import { ExportUsers } from "./export-users.tsx";
import { Filters } from "./filters.tsx";
import { ImportUsers } from "./import-users.tsx";
import { type Place, recallPlace, rememberPlace } from "./place.ts";
import { readSelection, type Selection, toQuery, writeSelection } from "./query.ts";
import { UserTable } from "./user-table.tsx";

/** The list of users: search, filters, order, pages, and what can be done with many users at once. */
export function Users() {
  const { users, console } = useTexts();
  const session = useSession();
  const { query, route } = useLocation();
  useTitle(console.nav.users);
  const [begin] = useState<Place>(() => recallPlace(session?.sessionId, location.search));
  const [q, setQ] = useState(begin.q);
  const [outcomes, setOutcomes] = useState<BulkOutcome[]>();
  const selection = readSelection(query, q);
  const address = writeSelection(selection);
  const pages = usePages(
    (cursor) => {
      const params = {
        query: { ...toQuery(selection), limit: Number(selection.limit), ...cursor },
      };
      return ok(api.GET("/v1/users", { params }));
    },
    [q, address],
    begin.cursors,
  );
  const { loaded, cursors } = pages;
  useEffect(() => {
    if (session) rememberPlace(session.sessionId, { address, q, cursors });
  }, [session, address, q, cursors]);
  const select = (next: Selection) => {
    setQ(next.q.trim());
    setOutcomes(undefined);
    const wanted = writeSelection(next);
    if (wanted !== address) route(`/console/users${wanted}`);
    else if (next.q.trim() === q) loaded.reload();
  };
  const may = (permission: string) => session?.permissions.has(permission) ?? false;
  return (
    <>
      <div class="heading">
        <h1>{console.nav.users}</h1>
        <div class="buttons">
          {may("users:create") && <CreateUser onCreated={loaded.reload} />}
          {may("users:create") && may("users:import") && <ImportUsers onDone={loaded.reload} />}
          {may("users:export") && <ExportUsers selection={selection} />}
        </div>
      </div>
      <Filters
        selection={selection}
        onChange={select}
        onClear={() => select(readSelection({ limit: selection.limit, sort: selection.sort }, ""))}
      />
      {outcomes && <BulkOutcomes of={outcomes} onClose={() => setOutcomes(undefined)} />}
      <Show of={loaded}>
        {({ data }) =>
          data.length === 0 ? (
            <p role="status">{users.empty}</p>
          ) : (
            <UserTable
              users={data}
              selection={selection}
              onSort={(sort) => select({ ...selection, sort })}
              onOutcomes={(next) => {
                setOutcomes(next);
                loaded.reload();
              }}
            />
          )
        }
      </Show>
      <Pager of={pages} />
    </>
  );
}
