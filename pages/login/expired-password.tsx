import { useTexts } from "../texts/texts.ts";
import type { Flow, View } from "./flow.ts";
import { Screen } from "./screen.tsx";
import { SetPassword } from "./set-password.tsx";

type ExpiredPasswordProps = Extract<View, { name: "expired_password" }> & { flow: Flow };

/** Sets a new password in place of one that has expired. Afterwards the person logs in with it. */
export function ExpiredPassword({ resetToken, flow }: ExpiredPasswordProps) {
  const { login } = useTexts();
  return (
    <Screen title={login.newPasswordTitle}>
      <p>{login.passwordExpired}</p>
      <SetPassword
        token={resetToken}
        onDone={() => flow.restart("success", login.passwordSet)}
        onExpired={() => flow.restart("error", login.tookTooLong)}
        onCancel={() => flow.show({ name: "start" })}
      />
    </Screen>
  );
}
