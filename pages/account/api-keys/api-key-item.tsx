import { useState } from "preact/hooks";
import { type components, ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { Confirm } from "../../ui/dialog.tsx";
import { Time } from "../../ui/time.tsx";
import { RenameApiKey } from "./rename-api-key.tsx";

interface ItemProps {
  apiKey: components["schemas"]["ApiKey"];
  /** Only shows the key. */
  isFixed?: boolean;
  onChanged: (text: string) => void;
  /** Gets the new key. */
  onRotated: (key: string) => void;
}

/** A key in the list, and what can be done with it. */
export function ApiKeyItem({ apiKey, isFixed, onChanged, onRotated }: ItemProps) {
  const { apiKeys, common } = useTexts();
  const [asks, setAsks] = useState<"rename" | "rotate" | "revoke">();
  const { id, name, revoked_at: revokedAt } = apiKey;
  const params = { path: { id } };
  const close = () => setAsks(undefined);
  const rotate = async () => {
    const { key } = await ok(api.POST("/v1/api-keys/{id}/rotate", { params }));
    onRotated(key);
  };
  const revoke = async () => {
    await ok(api.DELETE("/v1/api-keys/{id}", { params }));
    onChanged(apiKeys.revoked(name));
  };
  return (
    <li>
      <div>
        <h2>
          {name} {revokedAt && <span class="tag">{apiKeys.isRevoked}</span>}
        </h2>
        <Facts apiKey={apiKey} />
      </div>
      {!revokedAt && !isFixed && (
        <fieldset class="actions" aria-label={name}>
          <button type="button" onClick={() => setAsks("rename")}>
            {apiKeys.rename}
          </button>
          <button type="button" onClick={() => setAsks("rotate")}>
            {apiKeys.rotate}
          </button>
          <button type="button" onClick={() => setAsks("revoke")}>
            {apiKeys.revoke}
          </button>
        </fieldset>
      )}
      {asks === "rename" && (
        <RenameApiKey
          id={id}
          onDone={() => {
            close();
            onChanged(common.saved);
          }}
          onClose={close}
        />
      )}
      {asks === "rotate" && (
        <Confirm
          title={apiKeys.rotateTitle(name)}
          confirm={apiKeys.rotate}
          onConfirm={rotate}
          onClose={close}
        >
          <p>{apiKeys.rotateWarning}</p>
        </Confirm>
      )}
      {asks === "revoke" && (
        <Confirm
          title={apiKeys.revokeTitle(name)}
          confirm={apiKeys.revoke}
          onConfirm={revoke}
          onClose={close}
        >
          <p>{apiKeys.revokeWarning}</p>
        </Confirm>
      )}
    </li>
  );
}

function Facts({ apiKey }: Pick<ItemProps, "apiKey">) {
  const { apiKeys, common } = useTexts();
  return (
    <dl class="facts">
      <dt>{apiKeys.prefix}</dt>
      <dd>
        <code>{apiKey.prefix}…</code>
      </dd>
      <dt>{apiKeys.scopes}</dt>
      <dd>
        {apiKey.scopes.length === 0 && common.none}
        {apiKey.scopes.map((scope) => (
          <>
            <code key={scope}>{String(scope)}</code>{" "}
          </>
        ))}
      </dd>
      <dt>{apiKeys.lastUsed}</dt>
      <dd>
        <Time at={apiKey.last_used_at} />
      </dd>
      <dt>{apiKeys.created}</dt>
      <dd>
        <Time at={apiKey.created_at} />
      </dd>
      <dt>{apiKey.revoked_at ? apiKeys.revokedAt : apiKeys.expires}</dt>
      <dd>
        <Time at={apiKey.revoked_at ?? apiKey.expires_at} />
      </dd>
    </dl>
  );
}
