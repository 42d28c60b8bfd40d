import { useEffect, useRef, useState } from "preact/hooks";
import { ok, type StepUpChallenge, type StepUpMethod, type StepUpProof } from "roster-client";
import { api } from "../shared/api.ts";
import { onStepUp } from "../shared/step-up.ts";
import { useTexts } from "../texts/texts.ts";
import { Dialog } from "../ui/dialog.tsx";
import { CodeField, Field, Form, Select, textOf } from "../ui/form.tsx";
import { Notice } from "../ui/notice.tsx";
import { assertWithPasskey } from "./passkeys.ts";
import { ProviderButtons } from "./provider-buttons.tsx";

interface Ways {
  methods: StepUpMethod[];
  /** The ids of the providers at which the person has an account. */
  providers: ReadonlySet<string>;
}

interface Request extends Ways {
  challenge: StepUpChallenge;
  close: () => void;
}

/** Asks for a recent proof whenever an operation needs one (RFC 9470). Every page has one. */
export function StepUpDialog() {
  const [request, setRequest] = useState<Request>();
  useEffect(
    () =>
      onStepUp(async (challenge) => {
        const { providers, ...ways } = await listWays();
        const methods = ways.methods.filter((method) => !challenge.done.has(method));
        return new Promise((resolve) => {
          const close = () => {
            setRequest(undefined);
            resolve();
          };
          setRequest({ challenge, methods, providers, close });
        });
      }),
    [],
  );
  return request ? <Ask key={request.challenge.done.size} {...request} /> : null;
}

function Ask({ challenge, methods, providers, close }: Request) {
  const { common } = useTexts();
  const { stepUp } = common;
  const [method, setMethod] = useState(methods[0]);
  if (!method) {
    return (
      <Dialog title={stepUp.title} onClose={close}>
        <Notice kind="warning">{stepUp.impossible}</Notice>
        <button type="button" onClick={close}>
          {common.close}
        </button>
      </Dialog>
    );
  }
  return (
    <Dialog title={stepUp.title} onClose={close}>
      <p>{challenge.done.size > 0 ? stepUp.another : stepUp.intro}</p>
      {methods.length > 1 && (
        <Select
          label={stepUp.method}
          name="method"
          value={method}
          options={methods.map((name) => [name, stepUp[name]] as const)}
          onChange={(event) => setMethod(event.currentTarget.value as StepUpMethod)}
        />
      )}
      {method === "provider" ? (
        <ProviderProof providers={providers} challenge={challenge} close={close} />
      ) : (
        <Proof key={method} method={method} challenge={challenge} close={close} />
      )}
    </Dialog>
  );
}

interface ProviderProofProps {
  providers: ReadonlySet<string>;
  challenge: StepUpChallenge;
  close: () => void;
}

function ProviderProof({ providers, challenge, close }: ProviderProofProps) {
  const { common } = useTexts();
  return (
    <div class="toolbar">
      <ProviderButtons
        intent="step_up"
        only={providers}
        text={common.stepUp.confirmAt}
        onProof={async (proof) => {
          await challenge.prove({ method: "provider", ...proof });
          close();
        }}
      />
      <button type="button" onClick={close}>
        {common.cancel}
      </button>
    </div>
  );
}

type OwnMethod = Exclude<StepUpMethod, "provider">;

interface ProofProps {
  method: OwnMethod;
  challenge: StepUpChallenge;
  close: () => void;
}

function Proof({ method, challenge, close }: ProofProps) {
  const { common } = useTexts();
  const { stepUp } = common;
  const hasSent = useRef(false);
  const [isSent, setSent] = useState(false);
  const send = async (values: FormData) => {
    if (method === "email_code" && !hasSent.current) {
      await ok(api.POST("/v1/auth/step-up/challenge", { body: { method } }));
      hasSent.current = true;
      setSent(true);
      return;
    }
    await challenge.prove(await toProof(method, values));
    close();
  };
  const submit = method === "email_code" && !isSent ? stepUp.sendCode : stepUp.confirm;
  return (
    <Form
      submit={method === "passkey" ? stepUp.usePasskey : submit}
      onSubmit={send}
      onCancel={close}
      cancel={common.cancel}
    >
      {method === "password" && (
        <Field
          label={stepUp.password}
          name="password"
          type="password"
          autoComplete="current-password"
          required
        />
      )}
      {(method === "totp" || method === "recovery_code" || isSent) && (
        <CodeField label={stepUp.code} />
      )}
      {isSent && <Notice kind="info">{stepUp.codeSent}</Notice>}
    </Form>
  );
}

async function toProof(method: OwnMethod, values: FormData): Promise<StepUpProof> {
  if (method === "password") return { method, password: textOf(values, "password") };
  if (method !== "passkey") return { method, code: textOf(values, "code").trim() };
  const challenge = await ok(api.POST("/v1/auth/step-up/challenge", { body: { method } }));
  if (!challenge) throw new Error("no challenge");
  const { public_key } = challenge;
  return { method, credential: await assertWithPasskey(public_key) };
}

/** The ways in which the person can confirm, the usual one first. */
async function listWays(): Promise<Ways> {
  const params = { query: { limit: 100 } };
  const [{ user }, factors, codes, identities] = await Promise.all([
    ok(api.GET("/v1/auth/me")),
    ok(api.GET("/v1/auth/factors")),
    ok(api.GET("/v1/auth/recovery-codes")),
    ok(api.GET("/v1/auth/identities", { params })),
  ]);
  const types = new Set(factors.data.map(({ type }) => type));
  const methods: (StepUpMethod | false)[] = [
    types.has("passkey") && "passkey",
    user.has_password && "password",
    types.has("totp") && "totp",
    codes.remaining > 0 && "recovery_code",
    identities.data.length > 0 && "provider",
    user.email_verified && "email_code",
  ];
  return {
    methods: methods.filter((method) => method !== false),
    providers: new Set(identities.data.map(({ provider }) => provider)),
  };
}
