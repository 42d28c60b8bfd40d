import { useState } from "preact/hooks";
import { type components, ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { Confirm } from "../../ui/dialog.tsx";
import { useTitle } from "../../ui/layout.tsx";
import { Show, useAction } from "../../ui/load.tsx";
import { Notice, ProblemNotice } from "../../ui/notice.tsx";
import { Pager, usePages } from "../../ui/pages.tsx";
import { Time } from "../../ui/time.tsx";
import { Country, useDeviceName } from "../origin.tsx";

type Session = components["schemas"]["Session"];

/** Where the person is logged in. */
export function Sessions() {
  const { nav, sessions } = useTexts().account;
  useTitle(nav.sessions);
  const pages = usePages(
    (cursor) => ok(api.GET("/v1/auth/sessions", { params: { query: { limit: 20, ...cursor } } })),
    [],
  );
  const [done, setDone] = useState<string>();
  const [isAsking, setAsking] = useState(false);
  const finish = (text: string) => {
    setDone(text);
    pages.loaded.reload();
  };
  const endOthers = async () => {
    await ok(api.DELETE("/v1/auth/sessions"));
    finish(sessions.othersEnded);
  };
  return (
    <>
      <h1>{nav.sessions}</h1>
      <p>{sessions.intro}</p>
      {done && <Notice kind="success">{done}</Notice>}
      <Show of={pages.loaded}>
        {({ data }) => (
          <>
            <ul class="items">
              {data.map((session) => (
                <Item key={session.id} session={session} onEnded={finish} />
              ))}
            </ul>
            <Pager of={pages} />
            {(data.length > 1 || pages.previous) && (
              <div class="actions">
                <button type="button" class="danger" onClick={() => setAsking(true)}>
                  {sessions.endOthers}
                </button>
              </div>
            )}
          </>
        )}
      </Show>
      {isAsking && (
        <Confirm
          title={sessions.endOthers}
          confirm={sessions.endOthers}
          onConfirm={endOthers}
          onClose={() => setAsking(false)}
        >
          <p>{sessions.endOthersWarning}</p>
        </Confirm>
      )}
    </>
  );
}

interface ItemProps {
  session: Session;
  onEnded: (text: string) => void;
}

function Item({ session, onEnded }: ItemProps) {
  const { sessions } = useTexts().account;
  const { run, isBusy, problem } = useAction();
  const device = useDeviceName()(session.user_agent);
  const end = async () => {
    await ok(api.DELETE("/v1/auth/sessions/{id}", { params: { path: { id: session.id } } }));
    onEnded(sessions.ended(device));
  };
  return (
    <li>
      <div>
        <h2>
          {device} {session.current && <span class="tag">{sessions.current}</span>}
        </h2>
        <dl class="facts">
          <dt>{sessions.place}</dt>
          <dd>
            <Country code={session.country} />
            {session.ip && <> ({session.ip})</>}
          </dd>
          <dt>{sessions.lastUsed}</dt>
          <dd>
            <Time at={session.last_used_at} />
          </dd>
          <dt>{sessions.begun}</dt>
          <dd>
            <Time at={session.created_at} />
          </dd>
        </dl>
        {problem && <ProblemNotice problem={problem} />}
      </div>
      {!session.current && (
        <button
          type="button"
          disabled={isBusy}
          aria-label={sessions.endOf(device)}
          onClick={() => run(end)}
        >
          {sessions.end}
        </button>
      )}
    </li>
  );
}
