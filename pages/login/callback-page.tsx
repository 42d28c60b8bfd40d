import { useTexts } from "../texts/texts.ts";
import { Screen } from "./screen.tsx";

/** What is seen of a provider's window if it does not close. */
export function CallbackPage() {
  const { login } = useTexts();
  return (
    <Screen title={login.callback}>
      <p>{login.callbackIntro}</p>
    </Screen>
  );
}
