// How the client asks the person to prove who they are again (RFC 9470). The dialog registers itself, because it is a component.
import type { StepUpChallenge } from "roster-client";

/** Asks for one proof, and resolves when it was given, or the person declines. */
type Ask = (challenge: StepUpChallenge) => Promise<void>;

let ask: Ask | undefined;

/** Registers the dialog that asks. Returns what removes it. */
export function onStepUp(dialog: Ask): () => void {
  ask = dialog;
  return () => {
    if (ask === dialog) ask = undefined;
  };
}

/** Asks for one proof with the dialog, which sends it itself. */
export async function askForProof(challenge: StepUpChallenge): Promise<undefined> {
  await ask?.(challenge);
}
