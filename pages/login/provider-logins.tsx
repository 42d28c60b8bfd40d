import { isProblem, ok, type Tokens } from "roster-client";
import { api } from "../shared/api.ts";
import { localProblem } from "../shared/problem.ts";
import { useTexts } from "../texts/texts.ts";
import type { Flow, Stay } from "./flow.ts";
import { ProviderButtons } from "./provider-buttons.tsx";
import type { ProviderProof } from "./provider-window.ts";

/** Logs in with an account elsewhere. */
export function ProviderLogins({ flow }: { flow: Flow }) {
  const { login } = useTexts();
  return (
    <ProviderButtons
      intent="login"
      text={login.continueWith}
      onProof={(proof) => flow.logIn((stay) => exchange(proof, stay))}
    />
  );
}

async function exchange(proof: ProviderProof, stay: Stay): Promise<Tokens> {
  try {
    const answer = await ok(api.POST("/v1/auth/exchange", { body: { ...proof, ...stay } }));
    if ("refresh_expires_in" in answer) return answer;
  } catch (error) {
    // What these mean for other ways to log in does not help here.
    if (isProblem(error, "email_not_verified")) throw localProblem("provider_unverified");
    if (!isProblem(error, "invalid_code")) throw error;
  }
  throw localProblem("provider_failed");
}
