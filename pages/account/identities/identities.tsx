import { useState } from "preact/hooks";
import { type components, ok } from "roster-client";
import { ProviderButtons } from "../../login/provider-buttons.tsx";
import type { ProviderProof } from "../../login/provider-window.ts";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { Confirm } from "../../ui/dialog.tsx";
import { useTitle } from "../../ui/layout.tsx";
import { Show, useLoad } from "../../ui/load.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Time } from "../../ui/time.tsx";
import { exchangeLink } from "./exchange-link.ts";

/** The accounts at providers that the person has linked. */
export function Identities() {
  const { nav, identities } = useTexts().account;
  useTitle(nav.identities);
  const state = useLoad(loadState, []);
  const [done, setDone] = useState<string>();
  const finish = (text: string) => {
    setDone(text);
    state.reload();
  };
  return (
    <>
      <h1>{nav.identities}</h1>
      <p>{identities.intro}</p>
      {done && <Notice kind="success">{done}</Notice>}
      <Show of={state}>
        {({ linked, names }) => {
          const nameOf = (id: string) => names.get(id) ?? id;
          const link = async (proof: ProviderProof) => {
            setDone(undefined);
            finish(identities.isLinked(nameOf((await exchangeLink(proof)).provider)));
          };
          return (
            <>
              {linked.length === 0 && (
                <p>{names.size > 0 ? identities.none : identities.noProviders}</p>
              )}
              <ul class="items">
                {linked.map((identity) => (
                  <Item
                    key={identity.id}
                    identity={identity}
                    provider={nameOf(identity.provider)}
                    onUnlinked={finish}
                  />
                ))}
              </ul>
              <div class="toolbar">
                <ProviderButtons intent="link" text={identities.link} onProof={link} />
              </div>
            </>
          );
        }}
      </Show>
    </>
  );
}

async function loadState() {
  const params = { query: { limit: 100 } };
  const [identities, providers] = await Promise.all([
    ok(api.GET("/v1/auth/identities", { params })),
    ok(api.GET("/v1/auth/providers", { params })),
  ]);
  const names = new Map(providers.data.map(({ id, name }) => [id, name]));
  return { linked: identities.data, names };
}

interface ItemProps {
  identity: components["schemas"]["Identity"];
  provider: string;
  onUnlinked: (text: string) => void;
}

function Item({ identity, provider, onUnlinked }: ItemProps) {
  const { identities } = useTexts().account;
  const [isAsking, setAsking] = useState(false);
  const params = { path: { id: identity.id } };
  const unlink = async () => {
    await ok(api.DELETE("/v1/auth/identities/{id}", { params }));
    onUnlinked(identities.unlinked(provider));
  };
  return (
    <li>
      <div>
        <h2>{provider}</h2>
        <p>{identity.email ?? identity.subject}</p>
        <dl class="facts">
          <dt>{identities.lastUsed}</dt>
          <dd>
            <Time at={identity.last_used_at} />
          </dd>
          <dt>{identities.linked}</dt>
          <dd>
            <Time at={identity.created_at} />
          </dd>
        </dl>
      </div>
      <button type="button" onClick={() => setAsking(true)}>
        {identities.unlink}
      </button>
      {isAsking && (
        <Confirm
          title={identities.unlinkTitle(provider)}
          confirm={identities.unlink}
          onConfirm={unlink}
          onClose={() => setAsking(false)}
        >
          <p>{identities.unlinkWarning}</p>
        </Confirm>
      )}
    </li>
  );
}
