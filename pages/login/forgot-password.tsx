import { useTexts } from "../texts/texts.ts";
import type { Flow } from "./flow.ts";
import { RequestReset } from "./request-reset.tsx";
import { Screen } from "./screen.tsx";

/** Requests a link to set a new password. */
export function ForgotPassword({ flow }: { flow: Flow }) {
  const { login } = useTexts();
  return (
    <Screen title={login.resetTitle}>
      <p>{login.resetIntro}</p>
      <RequestReset
        onDone={() => flow.restart("info", login.resetSent)}
        onCancel={() => flow.show({ name: "start" })}
      />
    </Screen>
  );
}
