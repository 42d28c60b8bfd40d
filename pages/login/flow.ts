import { useState } from "preact/hooks";
import { isProblem, type LoginOutcome, type Tokens } from "roster-client";
import { api } from "../shared/api.ts";
import { useTexts } from "../texts/texts.ts";

/** What is told above the login form. */
interface Announcement {
  kind: "info" | "success" | "warning" | "error";
  text: string;
}

interface HalfDone {
  mfaToken: string;
  methods: readonly string[];
}

/** What the login shows. */
export type View =
  | { name: "start"; announcement?: Announcement }
  | ({ name: "second_factor" } & HalfDone)
  | ({ name: "enrollment" } & HalfDone)
  | { name: "expired_password"; resetToken: string }
  | { name: "email"; announcement?: Announcement }
  | { name: "email_link"; token: string }
  | { name: "register" }
  | { name: "forgot_password" };

/** The member of a login's body that keeps the refresh token in a cookie ("stay signed in"). */
export interface Stay {
  stay_signed_in?: true;
}

export interface Flow {
  show: (view: View) => void;
  /** Goes back to the first form, and tells what has happened. */
  restart: (kind: Announcement["kind"], text: string) => void;
  staysSignedIn: boolean;
  setStaysSignedIn: (stays: boolean) => void;
  /** Logs in by any way, or goes on with what else the service asks for. Throws every other `Problem`. */
  logIn: (way: (stay: Stay) => Promise<Tokens>) => Promise<void>;
}

/** The steps of a login: which one is shown, and how to go on. */
export function useFlow(first: View): { view: View; flow: Flow } {
  const { login } = useTexts();
  const [view, show] = useState(first);
  const [staysSignedIn, setStaysSignedIn] = useState(false);
  const restart: Flow["restart"] = (kind, text) =>
    show({ name: "start", announcement: { kind, text } });
  const logIn: Flow["logIn"] = async (way) => {
    try {
      const outcome = await api.begin(way(staysSignedIn ? { stay_signed_in: true } : {}));
      if (outcome.status !== "logged_in") show(toView(outcome));
    } catch (error) {
      if (isProblem(error, "email_not_verified")) restart("warning", login.notVerified);
      else if (isProblem(error, "invalid_mfa_token")) {
        restart("error", login.tookTooLong);
      } else throw error;
    }
  };
  return { view, flow: { show, restart, staysSignedIn, setStaysSignedIn, logIn } };
}

function toView(outcome: Exclude<LoginOutcome, { status: "logged_in" }>): View {
  if (outcome.status === "password_expired") {
    return { name: "expired_password", resetToken: outcome.resetToken };
  }
  const { status, mfaToken, methods } = outcome;
  return { name: status === "mfa_required" ? "second_factor" : "enrollment", mfaToken, methods };
}
