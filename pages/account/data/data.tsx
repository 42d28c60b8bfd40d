import { useState } from "preact/hooks";
import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { Confirm } from "../../ui/dialog.tsx";
import { useTitle } from "../../ui/layout.tsx";
import { Show, useAction, useLoad } from "../../ui/load.tsx";
import { ProblemNotice } from "../../ui/notice.tsx";
import { saveFile } from "../../ui/save-file.ts";

const ME = { params: { path: { id: "me" } } };

/** All that is held on the person: download it, or delete the account. */
export function Data({ onDeleted }: { onDeleted: () => void }) {
  const { nav } = useTexts().account;
  useTitle(nav.data);
  return (
    <>
      <h1>{nav.data}</h1>
      <Download />
      <Delete onDeleted={onDeleted} />
    </>
  );
}

function Download() {
  const { data } = useTexts().account;
  const { run, isBusy, problem } = useAction();
  const download = async () => {
    const held = await ok(api.GET("/v1/users/{id}/export", ME));
    saveFile("account.json", JSON.stringify(held, null, 2), "application/json");
  };
  return (
    <section class="card">
      <h2>{data.download}</h2>
      <p>{data.downloadIntro}</p>
      {problem && <ProblemNotice problem={problem} />}
      <button type="button" disabled={isBusy} onClick={() => run(download)}>
        {data.download}
      </button>
    </section>
  );
}

function Delete({ onDeleted }: { onDeleted: () => void }) {
  const { data } = useTexts().account;
  const me = useLoad(() => ok(api.GET("/v1/auth/me")), []);
  const [isAsking, setAsking] = useState(false);
  const remove = async () => {
    await ok(api.DELETE("/v1/users/{id}", ME));
    onDeleted();
  };
  return (
    <section class="card">
      <h2>{data.remove}</h2>
      <p>{data.removeIntro}</p>
      <Show of={me}>
        {({ user }) => (
          <>
            <button type="button" class="danger" onClick={() => setAsking(true)}>
              {data.remove}
            </button>
            {isAsking && (
              <Confirm
                title={data.remove}
                confirm={data.removeForGood}
                name={user.username}
                onConfirm={remove}
                onClose={() => setAsking(false)}
              >
                <p>{data.removeWarning}</p>
              </Confirm>
            )}
          </>
        )}
      </Show>
    </section>
  );
}
