import { useState } from "preact/hooks";
import { isProblem, ok } from "roster-client";
import { LogIn } from "../login/log-in.tsx";
import { Screen } from "../login/screen.tsx";
import { api } from "../shared/api.ts";
import { useSession } from "../shared/session.ts";
import { useTexts } from "../texts/texts.ts";
import { Form } from "../ui/form.tsx";
import { Notice } from "../ui/notice.tsx";

/** Confirms an email address, of a new account or a new one of an account. */
export function VerifyEmail({ token }: { token: string }) {
  const { links } = useTexts();
  const [address, setAddress] = useState<string>();
  const [isExpired, setExpired] = useState(token === "");
  const confirm = async () => {
    try {
      setAddress((await ok(api.POST("/v1/auth/email/verify", { body: { token } }))).email);
    } catch (error) {
      if (!isProblem(error, "invalid_token")) throw error;
      setExpired(true);
    }
  };
  if (isExpired) return <Expired />;
  if (address !== undefined) {
    return (
      <Screen key="done" title={links.verify}>
        <Notice kind="success">{links.verified(address)}</Notice>
        <a class="button" href="/account">
          {links.toAccount}
        </a>
      </Screen>
    );
  }
  return (
    <Screen key="form" title={links.verify}>
      <p>{links.verifyIntro}</p>
      <Form submit={links.verifyButton} onSubmit={confirm} />
    </Screen>
  );
}

/** A new link needs a login, so that nobody can have emails sent to others. */
function Expired() {
  const { links } = useTexts();
  const session = useSession();
  const [logsIn, setLogsIn] = useState(false);
  const [isSent, setSent] = useState(false);
  const resend = async () => {
    await ok(api.POST("/v1/auth/email/resend"));
    setSent(true);
  };
  if (logsIn && !session) return <LogIn />;
  return (
    <Screen key={session ? "resend" : "expired"} title={links.expired}>
      {isSent && <Notice kind="success">{links.resent}</Notice>}
      <p>{session ? links.verifyExpired : links.verifyExpiredLogIn}</p>
      {session ? (
        <Form submit={links.resend} onSubmit={resend} />
      ) : (
        <div class="actions">
          <button type="button" class="primary" onClick={() => setLogsIn(true)}>
            {links.logInToResend}
          </button>
        </div>
      )}
    </Screen>
  );
}
