import { useState } from "preact/hooks";
import { RequestReset } from "../login/request-reset.tsx";
import { Screen } from "../login/screen.tsx";
import { SetPassword } from "../login/set-password.tsx";
import { settings } from "../shared/settings.ts";
import { useTexts } from "../texts/texts.ts";
import { Notice } from "../ui/notice.tsx";
import { ToAccount } from "./to-account.tsx";

interface NewPasswordProps {
  token: string;
  isInvitation: boolean;
}

/** Sets a password with the link of a reset or of an invitation, and leads to the login. */
export function NewPassword({ token, isInvitation }: NewPasswordProps) {
  const { links, login } = useTexts();
  const [state, setState] = useState(token ? "form" : "expired");
  if (state === "done") {
    const announcement = { kind: "success", text: login.passwordSet } as const;
    return <ToAccount first={{ name: "start", announcement }} />;
  }
  if (state === "expired") return <Expired isInvitation={isInvitation} />;
  const title = isInvitation ? links.invitation(settings.app_name) : login.newPasswordTitle;
  return (
    <Screen key="form" title={title}>
      <p>{isInvitation ? links.invitationIntro : links.resetIntro}</p>
      <SetPassword
        token={token}
        onDone={() => setState("done")}
        onExpired={() => setState("expired")}
      />
    </Screen>
  );
}

function Expired({ isInvitation }: { isInvitation: boolean }) {
  const { links, login } = useTexts();
  const [isSent, setSent] = useState(false);
  return (
    <Screen key="expired" title={links.expired}>
      {isSent ? (
        <Notice kind="info">{login.resetSent}</Notice>
      ) : (
        <>
          <p>{isInvitation ? links.invitationExpired : links.resetExpired}</p>
          <RequestReset onDone={() => setSent(true)} />
        </>
      )}
    </Screen>
  );
}
