import { useEffect, useRef, useState } from "preact/hooks";
import { ok } from "roster-client";
import { api } from "../shared/api.ts";
import { useTexts } from "../texts/texts.ts";
import { useAction, useLoad } from "../ui/load.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { askProvider, type Intent, type ProviderProof } from "./provider-window.ts";

interface ProviderButtonsProps {
  intent: Intent;
  /** The ids of the providers that can be used. Default: all. */
  only?: ReadonlySet<string>;
  /** The text of the button of a provider. */
  text: (provider: string) => string;
  /** Goes on with what the provider's window has come to. */
  onProof: (proof: ProviderProof) => Promise<unknown>;
}

interface Provider {
  id: string;
  name: string;
}

/** A button per login provider, each of which opens a window of the provider. Nothing if there are none. */
export function ProviderButtons({ intent, only, text, onProof }: ProviderButtonsProps) {
  const providers = useLoad(
    async () =>
      (await ok(api.GET("/v1/auth/providers", { params: { query: { limit: 100 } } }))).data,
    [],
  );
  const usable = providers.data?.filter(({ id }) => !only || only.has(id));
  const { run, isBusy, problem } = useAction();
  const [asked, setAsked] = useState<Provider>();
  const attempt = useRef<AbortController>(undefined);
  useEffect(() => () => attempt.current?.abort(), []);
  const cancel = () => attempt.current?.abort();
  const ask = async ({ id }: Provider, { signal }: AbortController) => {
    try {
      return await askProvider({ id, intent }, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      return undefined;
    } finally {
      setAsked(undefined);
    }
  };
  const open = (provider: Provider) => {
    const controller = new AbortController();
    attempt.current = controller;
    setAsked(provider);
    void run(async () => {
      const proof = await ask(provider, controller);
      if (proof) await onProof(proof);
    });
  };
  return (
    <>
      {usable?.map((provider) => (
        <button key={provider.id} type="button" disabled={isBusy} onClick={() => open(provider)}>
          {text(provider.name)}
        </button>
      ))}
      {asked && <Waiting name={asked.name} onCancel={cancel} />}
      {problem && <ProblemNotice problem={problem} />}
    </>
  );
}

function Waiting({ name, onCancel }: { name: string; onCancel: () => void }) {
  const { common, login } = useTexts();
  return (
    <Notice kind="info">
      <p>{login.waitingFor(name)}</p>
      <button type="button" onClick={onCancel}>
        {common.cancel}
      </button>
    </Notice>
  );
}
