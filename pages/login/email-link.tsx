import { isProblem, ok } from "roster-client";
import { api } from "../shared/api.ts";
import { settings } from "../shared/settings.ts";
import { useTexts } from "../texts/texts.ts";
import { Form } from "../ui/form.tsx";
import type { Flow, View } from "./flow.ts";
import { Screen } from "./screen.tsx";
import { StaySignedIn } from "./stay-signed-in.tsx";

type EmailLinkProps = Extract<View, { name: "email_link" }> & { flow: Flow };

/** Logs in with the link of an email, once the person says so: programs that check emails open links, too. */
export function EmailLink({ token, flow }: EmailLinkProps) {
  const { login } = useTexts();
  const send = async () => {
    try {
      await flow.logIn((stay) =>
        ok(api.POST("/v1/auth/email-login/verify", { body: { token, ...stay } })),
      );
    } catch (error) {
      if (!isProblem(error, "invalid_code")) throw error;
      const announcement = { kind: "error", text: login.linkExpired } as const;
      flow.show({ name: "email", announcement });
    }
  };
  return (
    <Screen title={login.title(settings.app_name)}>
      <p>{login.emailLinkIntro}</p>
      <Form submit={login.logIn} onSubmit={send}>
        <StaySignedIn flow={flow} />
      </Form>
    </Screen>
  );
}
