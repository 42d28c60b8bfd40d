import { ErrorBoundary, lazy } from "preact-iso";
import { api } from "../shared/api.ts";
import { useTexts } from "../texts/texts.ts";
import { EmailLink } from "./email-link.tsx";
import { EmailLogin } from "./email-login.tsx";
import { ExpiredPassword } from "./expired-password.tsx";
import { type Flow, useFlow, type View } from "./flow.ts";
import { ForgotPassword } from "./forgot-password.tsx";
import { Register } from "./register.tsx";
import { SecondFactor } from "./second-factor.tsx";
import { Start } from "./start.tsx";

// Few people need it, and it draws QR codes.
const Enrollment = lazy(() => import("./enrollment.tsx").then(({ Enrollment }) => Enrollment));

/** Logs in, by every way that there is. Afterwards there is a session. */
export function LogIn({ first }: { first?: View }) {
  const { login } = useTexts();
  const ended: View = { name: "start", announcement: { kind: "info", text: login.ended } };
  const { view, flow } = useFlow(first ?? (api.session.endReason ? ended : { name: "start" }));
  return (
    <ErrorBoundary>
      <Step key={view.name} view={view} flow={flow} />
    </ErrorBoundary>
  );
}

function Step({ view, flow }: { view: View; flow: Flow }) {
  switch (view.name) {
    case "start":
      return <Start {...view} flow={flow} />;
    case "second_factor":
      return <SecondFactor {...view} flow={flow} />;
    case "enrollment":
      return <Enrollment {...view} flow={flow} />;
    case "expired_password":
      return <ExpiredPassword {...view} flow={flow} />;
    case "email":
      return <EmailLogin {...view} flow={flow} />;
    case "email_link":
      return <EmailLink {...view} flow={flow} />;
    case "register":
      return <Register flow={flow} />;
    case "forgot_password":
      return <ForgotPassword flow={flow} />;
  }
}
