import type { Schemas, Tokens } from "./api-types.ts";
import { isProblem } from "./problem.ts";
import type { Session, SessionState } from "./session.ts";

/** A login that needs a second factor (`mfa_required`), or first an enrolment of one (`mfa_enrollment_required`). */
interface HalfDone {
  status: "mfa_required" | "mfa_enrollment_required";
  /** Identifies this login in the next step. It is no credential. */
  mfaToken: string;
  /** The second factors to choose from. */
  methods: readonly ("totp" | "passkey" | "recovery_code")[];
  /** Seconds until `mfaToken` expires. */
  expiresIn: number;
}

/** What has come of a login that was not refused. */
export type LoginOutcome =
  | { status: "logged_in"; session: SessionState }
  | HalfDone
  | { status: "password_expired"; resetToken: string };

/**
 * Begins a session with the tokens, or says what else the service asks for. Throws every other `RosterProblem`, for example
 * `invalid_credentials`.
 */
export async function begin(session: Session, tokens: Promise<Tokens>): Promise<LoginOutcome> {
  try {
    await session.start(await tokens);
  } catch (error) {
    if (isProblem(error, "mfa_required", "mfa_enrollment_required")) return toHalfDone(error.body);
    if (!isProblem(error, "password_expired")) throw error;
    return { status: "password_expired", resetToken: error.body.reset_token };
  }
  return { status: "logged_in", session: session.state as SessionState };
}

type HalfDoneBody = Schemas["MfaRequiredProblem"] | Schemas["MfaEnrollmentRequiredProblem"];

function toHalfDone({ code, mfa_token, methods, expires_in }: HalfDoneBody): HalfDone {
  return { status: code, mfaToken: mfa_token, methods, expiresIn: expires_in };
}
