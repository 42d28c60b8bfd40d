import { useState } from "preact/hooks";
import { isProblem, type Problem } from "../shared/problem.ts";
import { startSession, type Tokens } from "../shared/session.ts";
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
      startSession(await way(staysSignedIn ? { stay_signed_in: true } : {}));
    } catch (error) {
      const next = toView(error);
      if (next) show(next);
      else if (isProblem(error, "email_not_verified")) restart("warning", login.notVerified);
      else if (isProblem(error, "invalid_mfa_token")) {
        restart("error", login.tookTooLong);
      } else throw error;
    }
  };
  return { view, flow: { show, restart, staysSignedIn, setStaysSignedIn, logIn } };
}

function toView(error: unknown): View | undefined {
  if (isProblem(error, "mfa_required")) return { name: "second_factor", ...toHalfDone(error) };
  if (isProblem(error, "mfa_enrollment_required")) {
    return { name: "enrollment", ...toHalfDone(error) };
  }
  if (isProblem(error, "password_expired")) {
    return { name: "expired_password", resetToken: error.body.reset_token ?? "" };
  }
  return undefined;
}

function toHalfDone({ body: { mfa_token = "", methods = [] } }: Problem): HalfDone {
  return { mfaToken: mfa_token, methods };
}
