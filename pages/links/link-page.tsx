import { useTexts } from "../texts/texts.ts";
import { Footer } from "../ui/layout.tsx";
import { Disown } from "./disown.tsx";
import type { MailLink } from "./mail-link.ts";
import { NewPassword } from "./new-password.tsx";
import { ToAccount } from "./to-account.tsx";
import { VerifyEmail } from "./verify-email.tsx";

/** What the link of an email opens. Nothing happens before the person presses a button: programs open links, too. */
export function LinkPage({ link }: { link: MailLink }) {
  return (
    <>
      <Content {...link} />
      <Footer />
    </>
  );
}

function Content({ page, token, isDisowned }: MailLink) {
  const { login } = useTexts();
  const cutOff = {
    name: "email",
    announcement: { kind: "error", text: login.linkExpired },
  } as const;
  switch (page) {
    case "/verify-email":
      return isDisowned ? <Disown token={token} /> : <VerifyEmail token={token} />;
    case "/reset-password":
    case "/invitation":
      return <NewPassword token={token} isInvitation={page === "/invitation"} />;
    case "/email-login":
      return <ToAccount first={token ? { name: "email_link", token } : cutOff} />;
  }
}
