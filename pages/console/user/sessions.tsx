import { useState } from "preact/hooks";
import { type components, ok } from "roster-client";
import { Country, useDeviceName } from "../../account/origin.tsx";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { Confirm } from "../../ui/dialog.tsx";
import { Show, useAction } from "../../ui/load.tsx";
import { Notice, ProblemNotice } from "../../ui/notice.tsx";
import { Pager, usePages } from "../../ui/pages.tsx";
import { Table } from "../../ui/table.tsx";
import { Time } from "../../ui/time.tsx";
import type { SectionProps } from "./user.tsx";

/** Where a user is logged in. */
export function Sessions({ user, access }: SectionProps) {
  const { sessions, sections } = useTexts().user;
  const [done, setDone] = useState<string>();
  const [isAsking, setAsking] = useState(false);
  const path = { id: user.id };
  const pages = usePages((cursor) => {
    const params = { path, query: { limit: 20, ...cursor } };
    return ok(api.GET("/v1/users/{id}/sessions", { params }));
  }, []);
  const finish = (text: string) => {
    setDone(text);
    pages.loaded.reload();
  };
  const endAll = async () => {
    await ok(api.DELETE("/v1/users/{id}/sessions", { params: { path } }));
    finish(sessions.allEnded);
  };
  return (
    <>
      {done && <Notice kind="success">{done}</Notice>}
      <Show of={pages.loaded}>
        {({ data }) =>
          data.length === 0 ? (
            <p>{sessions.none}</p>
          ) : (
            <>
              <Table
                caption={sections.sessions}
                columns={[
                  sessions.device,
                  sessions.place,
                  sessions.lastUsed,
                  sessions.begun,
                  ...(access.endsSessions ? [sessions.action] : []),
                ]}
              >
                {data.map((session) => (
                  <Row
                    key={session.id}
                    userId={user.id}
                    session={session}
                    isEndable={access.endsSessions}
                    onEnded={finish}
                  />
                ))}
              </Table>
              {access.endsSessions && (
                <button type="button" class="danger" onClick={() => setAsking(true)}>
                  {sessions.endAll}
                </button>
              )}
            </>
          )
        }
      </Show>
      <Pager of={pages} />
      {isAsking && (
        <Confirm
          title={sessions.endAll}
          confirm={sessions.endAll}
          onConfirm={endAll}
          onClose={() => setAsking(false)}
        >
          <p>{access.isSelf ? sessions.endAllOwn : sessions.endAllEffect}</p>
        </Confirm>
      )}
    </>
  );
}

interface RowProps {
  userId: string;
  session: components["schemas"]["Session"];
  isEndable: boolean;
  onEnded: (text: string) => void;
}

function Row({ userId, session, isEndable, onEnded }: RowProps) {
  const { sessions } = useTexts().user;
  const { run, isBusy, problem } = useAction();
  const device = useDeviceName()(session.user_agent);
  const end = async () => {
    const path = { id: userId, session_id: session.id };
    await ok(api.DELETE("/v1/users/{id}/sessions/{session_id}", { params: { path } }));
    onEnded(sessions.ended(device));
  };
  return (
    <tr>
      <th scope="row">
        {device} {session.current && <span class="tag">{sessions.current}</span>}
      </th>
      <td>
        <Country code={session.country} />
        {session.ip && ` (${session.ip})`}
      </td>
      <td>
        <Time at={session.last_used_at} />
      </td>
      <td>
        <Time at={session.created_at} />
      </td>
      {isEndable && (
        <td>
          <button
            type="button"
            disabled={isBusy}
            aria-label={sessions.endOf(device)}
            onClick={() => run(end)}
          >
            {sessions.end}
          </button>
          {problem && <ProblemNotice problem={problem} />}
        </td>
      )}
    </tr>
  );
}
