import { useState } from "preact/hooks";
import { type components, ok } from "roster-client";
import { PasskeyEnrollment } from "../../factors/passkey-enrollment.tsx";
import { RecoveryCodes } from "../../factors/recovery-codes.tsx";
import { TotpEnrollment } from "../../factors/totp-enrollment.tsx";
import { api } from "../../shared/api.ts";
import { settings } from "../../shared/settings.ts";
import { useTexts } from "../../texts/texts.ts";
import { Confirm, Dialog } from "../../ui/dialog.tsx";
import { useTitle } from "../../ui/layout.tsx";
import { Show, useLoad } from "../../ui/load.tsx";
import { Notice } from "../../ui/notice.tsx";
import { FactorItem } from "./factor-item.tsx";

/** The person's second factors and recovery codes. */
export function Factors() {
  const { account, ownFactors } = useTexts();
  useTitle(account.nav.factors);
  const state = useLoad(loadState, []);
  const [codes, setCodes] = useState<readonly string[]>();
  const [done, setDone] = useState<string>();
  const finish = (text: string, recoveryCodes?: readonly string[]) => {
    setDone(text);
    setCodes(recoveryCodes);
    state.reload();
  };
  return (
    <>
      <h1>{account.nav.factors}</h1>
      <p>{ownFactors.intro}</p>
      {done && <Notice kind="success">{done}</Notice>}
      <Show of={state}>
        {({ factors, remaining }) => (
          <>
            <List factors={factors} onChanged={finish} />
            <Add
              hasTotp={factors.some(({ type }) => type === "totp")}
              onAdded={(recoveryCodes) => finish(ownFactors.added, recoveryCodes)}
            />
            {factors.length > 0 && <Codes remaining={remaining} onGenerated={finish} />}
          </>
        )}
      </Show>
      {codes && (
        <Dialog title={ownFactors.codes} onClose={() => setCodes(undefined)}>
          <RecoveryCodes codes={codes} onDone={() => setCodes(undefined)} />
        </Dialog>
      )}
    </>
  );
}

async function loadState() {
  const [{ data: factors }, { remaining }] = await Promise.all([
    ok(api.GET("/v1/auth/factors")),
    ok(api.GET("/v1/auth/recovery-codes")),
  ]);
  return { factors, remaining };
}

interface ListProps {
  factors: readonly components["schemas"]["Factor"][];
  onChanged: (text: string) => void;
}

function List({ factors, onChanged }: ListProps) {
  const { ownFactors } = useTexts();
  if (factors.length === 0) return <p>{ownFactors.none}</p>;
  return (
    <ul class="items">
      {factors.map((factor) => (
        <FactorItem key={factor.id} factor={factor} onChanged={onChanged} />
      ))}
    </ul>
  );
}

interface AddProps {
  hasTotp: boolean;
  onAdded: (recoveryCodes: readonly string[] | undefined) => void;
}

function Add({ hasTotp, onAdded }: AddProps) {
  const { ownFactors } = useTexts();
  const [adds, setAdds] = useState<"totp" | "passkey">();
  const close = () => setAdds(undefined);
  const finish = (recoveryCodes: readonly string[] | undefined) => {
    close();
    onAdded(recoveryCodes);
  };
  return (
    <div class="toolbar">
      {!hasTotp && (
        <button type="button" onClick={() => setAdds("totp")}>
          {ownFactors.addTotp}
        </button>
      )}
      {settings.passkeys && (
        <button type="button" onClick={() => setAdds("passkey")}>
          {ownFactors.addPasskey}
        </button>
      )}
      {adds === "totp" && (
        <Dialog title={ownFactors.addTotp} onClose={close}>
          <TotpEnrollment onDone={finish} onCancel={close} />
        </Dialog>
      )}
      {adds === "passkey" && (
        <Dialog title={ownFactors.addPasskey} onClose={close}>
          <PasskeyEnrollment onDone={finish} onCancel={close} />
        </Dialog>
      )}
    </div>
  );
}

interface CodesProps {
  remaining: number;
  onGenerated: (text: string, codes: readonly string[]) => void;
}

function Codes({ remaining, onGenerated }: CodesProps) {
  const { ownFactors } = useTexts();
  const [isAsking, setAsking] = useState(false);
  const generate = async () => {
    const { recovery_codes } = await ok(api.POST("/v1/auth/recovery-codes"));
    onGenerated(ownFactors.codesGenerated, recovery_codes);
  };
  return (
    <section class="card">
      <h2>{ownFactors.codes}</h2>
      <p>{ownFactors.codesIntro}</p>
      <p>
        <strong>{ownFactors.remaining(remaining)}</strong>
      </p>
      <button type="button" onClick={() => setAsking(true)}>
        {ownFactors.generate}
      </button>
      {isAsking && (
        <Confirm
          title={ownFactors.generate}
          confirm={ownFactors.generate}
          onConfirm={generate}
          onClose={() => setAsking(false)}
        >
          <p>{ownFactors.generateWarning}</p>
        </Confirm>
      )}
    </section>
  );
}
