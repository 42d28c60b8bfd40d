import { useState } from "preact/hooks";
import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { Checkbox } from "../../ui/form.tsx";
import { useTitle } from "../../ui/layout.tsx";
import { Show } from "../../ui/load.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Pager, usePages } from "../../ui/pages.tsx";
import { ApiKeyItem } from "./api-key-item.tsx";
import { CreateApiKey } from "./create-api-key.tsx";
import { NewKey } from "./new-key.tsx";

/** The person's API keys. */
export function ApiKeys() {
  const { apiKeys, account } = useTexts();
  useTitle(account.nav.apiKeys);
  const [isCreating, setCreating] = useState(false);
  const [showsRevoked, setShowsRevoked] = useState(false);
  const [newKey, setNewKey] = useState<string>();
  const [runs, setRuns] = useState(0);
  const show = (key: string) => {
    setCreating(false);
    setNewKey(key);
    setRuns(runs + 1);
  };
  return (
    <>
      <h1>{account.nav.apiKeys}</h1>
      <p>{apiKeys.intro}</p>
      <div class="toolbar">
        <button type="button" class="primary" onClick={() => setCreating(true)}>
          {apiKeys.create}
        </button>
        <Checkbox
          label={apiKeys.showRevoked}
          name="revoked"
          checked={showsRevoked}
          onChange={(event) => setShowsRevoked(event.currentTarget.checked)}
        />
      </div>
      <List key={`${showsRevoked} ${runs}`} showsRevoked={showsRevoked} onRotated={show} />
      {isCreating && <CreateApiKey onDone={show} onClose={() => setCreating(false)} />}
      {newKey !== undefined && <NewKey text={newKey} onClose={() => setNewKey(undefined)} />}
    </>
  );
}

interface ListProps {
  showsRevoked: boolean;
  onRotated: (key: string) => void;
}

function List({ showsRevoked, onRotated }: ListProps) {
  const { apiKeys } = useTexts();
  const revoked = showsRevoked ? "all" : "false";
  const pages = usePages(
    (cursor) =>
      ok(api.GET("/v1/api-keys", { params: { query: { limit: 20, revoked, ...cursor } } })),
    [revoked],
  );
  const [done, setDone] = useState<string>();
  const finish = (text: string) => {
    setDone(text);
    pages.loaded.reload();
  };
  return (
    <>
      {done && <Notice kind="success">{done}</Notice>}
      <Show of={pages.loaded}>
        {({ data }) =>
          data.length === 0 ? (
            <p>{apiKeys.none}</p>
          ) : (
            <>
              <ul class="items">
                {data.map((apiKey) => (
                  <ApiKeyItem
                    key={apiKey.id}
                    apiKey={apiKey}
                    onChanged={finish}
                    onRotated={onRotated}
                  />
                ))}
              </ul>
              <Pager of={pages} />
            </>
          )
        }
      </Show>
    </>
  );
}
