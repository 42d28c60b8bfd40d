import { type components, isProblem, ok } from "roster-client";
import type { ProviderProof } from "../../login/provider-window.ts";
import { api } from "../../shared/api.ts";
import { localProblem } from "../../shared/problem.ts";

/** Links the account at the provider that the proof is about. Throws a `Problem`. */
export async function exchangeLink(
  proof: ProviderProof,
): Promise<components["schemas"]["Identity"]> {
  try {
    const answer = await ok(api.POST("/v1/auth/exchange", { body: proof }));
    if ("provider" in answer) return answer;
  } catch (error) {
    // What this means for other codes does not help here.
    if (!isProblem(error, "invalid_code")) throw error;
  }
  throw localProblem("provider_failed");
}
