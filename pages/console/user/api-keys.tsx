import { useState } from "preact/hooks";
import { ok, type SessionState } from "roster-client";
import { ApiKeyItem } from "../../account/api-keys/api-key-item.tsx";
import { CreateApiKey } from "../../account/api-keys/create-api-key.tsx";
import { NewKey } from "../../account/api-keys/new-key.tsx";
import { api } from "../../shared/api.ts";
import { useSession } from "../../shared/session.ts";
import { useTexts } from "../../texts/texts.ts";
import { Checkbox } from "../../ui/form.tsx";
import { Show, useLoad } from "../../ui/load.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Pager, usePages } from "../../ui/pages.tsx";
import type { User } from "./access.ts";
import type { SectionProps } from "./user.tsx";

/** The API keys that act for a user. */
export function ApiKeys({ user, access }: SectionProps) {
  const { apiKeys, user: texts } = useTexts();
  const [isCreating, setCreating] = useState(false);
  const [revoked, setRevoked] = useState<"false" | "all">("false");
  const [newKey, setNewKey] = useState<string>();
  const [done, setDone] = useState<string>();
  const pages = usePages(
    (cursor) => {
      const query = { user_id: user.id, limit: 20, revoked, ...cursor };
      return ok(api.GET("/v1/api-keys", { params: { query } }));
    },
    [revoked],
  );
  const finish = (text?: string) => {
    setDone(text);
    pages.loaded.reload();
  };
  const show = (key: string) => {
    setCreating(false);
    setNewKey(key);
    finish();
  };
  return (
    <>
      <div class="toolbar">
        {access.writesKeys && (
          <button type="button" class="primary" onClick={() => setCreating(true)}>
            {apiKeys.create}
          </button>
        )}
        <Checkbox
          label={apiKeys.showRevoked}
          name="revoked"
          checked={revoked === "all"}
          onChange={({ currentTarget }) => setRevoked(currentTarget.checked ? "all" : "false")}
        />
      </div>
      {done && <Notice kind="success">{done}</Notice>}
      <Show of={pages.loaded}>
        {({ data }) =>
          data.length === 0 ? (
            <p>{texts.noKeys}</p>
          ) : (
            <ul class="items">
              {data.map((apiKey) => (
                <ApiKeyItem
                  key={apiKey.id}
                  apiKey={apiKey}
                  isFixed={!access.writesKeys}
                  onChanged={finish}
                  onRotated={show}
                />
              ))}
            </ul>
          )
        }
      </Show>
      <Pager of={pages} />
      {isCreating && access.isSelf && (
        <CreateApiKey onDone={show} onClose={() => setCreating(false)} />
      )}
      {isCreating && !access.isSelf && (
        <CreateForOther user={user} onDone={show} onClose={() => setCreating(false)} />
      )}
      {newKey !== undefined && <NewKey text={newKey} onClose={() => setNewKey(undefined)} />}
    </>
  );
}

interface CreateProps {
  user: User;
  onDone: (key: string) => void;
  onClose: () => void;
}

/** Creates a key for another person, with scopes that both hold. */
function CreateForOther({ user, ...props }: CreateProps) {
  const { user: texts } = useTexts();
  const session = useSession();
  const scopes = useLoad(async () => (session ? listScopes(session, user.role) : []), []);
  return (
    <>
      {scopes.problem && <Notice kind="error">{texts.noScopes}</Notice>}
      {scopes.data && <CreateApiKey owner={{ id: user.id, scopes: scopes.data }} {...props} />}
    </>
  );
}

async function listScopes({ permissions }: SessionState, role: string): Promise<string[]> {
  const own = ["me:read", "me:write"].filter((scope) =>
    permissions.has(scope === "me:read" ? "users:read" : "users:update"),
  );
  return [...own, ...(await listPermissions(permissions, role))];
}

/** The permissions that both hold; one's own, if one may not read what the role grants. */
async function listPermissions(held: ReadonlySet<string>, role: string): Promise<string[]> {
  if (role === "user") return [];
  if (!held.has("roles:read")) return [...held].toSorted();
  const granted = await ok(api.GET("/v1/roles/{name}", { params: { path: { name: role } } }));
  // In the document, the names of permissions have more rules than a type can have.
  const names = granted.permissions as string[];
  return names.filter((name) => held.has(name)).toSorted();
}
