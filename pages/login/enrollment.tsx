import { useState } from "preact/hooks";
import { PasskeyEnrollment } from "../factors/passkey-enrollment.tsx";
import { RecoveryCodes } from "../factors/recovery-codes.tsx";
import { TotpEnrollment } from "../factors/totp-enrollment.tsx";
import { useTexts } from "../texts/texts.ts";
import { Select } from "../ui/form.tsx";
import type { Flow, View } from "./flow.ts";
import { KNOWS_PASSKEYS } from "./passkeys.ts";
import { Screen } from "./screen.tsx";

type EnrollmentViewProps = Extract<View, { name: "enrollment" }> & { flow: Flow };

/** Adds the second factor that the person's role requires. Afterwards they log in again, with it. */
export function Enrollment({ mfaToken, methods, flow }: EnrollmentViewProps) {
  const { factors, login } = useTexts();
  const [method, setMethod] = useState(methods[0]);
  const [codes, setCodes] = useState<readonly string[]>();
  const finish = () => flow.restart("success", login.enrolled);
  const done = (recoveryCodes: readonly string[] | undefined) =>
    recoveryCodes ? setCodes(recoveryCodes) : finish();
  const props = { mfaToken, onDone: done, onCancel: () => flow.show({ name: "start" }) };
  if (codes) {
    return (
      <Screen key="codes" title={factors.recoveryCodes}>
        <RecoveryCodes codes={codes} onDone={finish} />
      </Screen>
    );
  }
  return (
    <Screen key="factor" title={login.enroll}>
      <p>{login.enrollIntro}</p>
      {methods.includes("passkey") && KNOWS_PASSKEYS && (
        <Select
          label={login.enrollMethod}
          name="method"
          value={method}
          options={[
            ["totp", factors.totp],
            ["passkey", factors.passkey],
          ]}
          onChange={(event) => setMethod(event.currentTarget.value)}
        />
      )}
      {method === "passkey" ? <PasskeyEnrollment {...props} /> : <TotpEnrollment {...props} />}
    </Screen>
  );
}
