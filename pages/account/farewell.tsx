import { useLocation } from "preact-iso";
import { useTexts } from "../texts/texts.ts";
import { Notice } from "../ui/notice.tsx";

/** What a person sees whose account was just deleted. */
export function Farewell({ onClose }: { onClose: () => void }) {
  const { account, login } = useTexts();
  const { route } = useLocation();
  const close = () => {
    route("/account", true);
    onClose();
  };
  return (
    <main id="content" class="narrow">
      <h1>{account.data.deleted}</h1>
      <Notice kind="success">{account.data.farewell}</Notice>
      <button type="button" onClick={close}>
        {login.logIn}
      </button>
    </main>
  );
}
