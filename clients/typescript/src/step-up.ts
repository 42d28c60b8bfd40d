import type { Schemas } from "./api-types.ts";
import type { Session } from "./session.ts";

/**
 * A proof that the person is who they are: the body of POST /v1/auth/step-up, or what a login provider's redirect has brought after a
 * start with the intent `step_up`.
 */
export type StepUpProof = Schemas["StepUp"] | ({ method: "provider" } & Schemas["Exchange"]);
export type StepUpMethod = StepUpProof["method"];

/** A request was refused because it needs a more recent authentication (RFC 9470). */
export interface StepUpChallenge {
  /** The level that is needed: `aal2` for two factors. Undefined if the header cannot be read, as in other origins' browsers. */
  readonly acr: string | undefined;
  /** How old the authentication may be. */
  readonly maxAgeSeconds: number | undefined;
  /** The methods already used for this request. People with a second factor may have to prove two. */
  readonly done: ReadonlySet<StepUpMethod>;
  /** Sends a proof. Throws a `RosterProblem` if it is refused; another may follow. */
  prove(proof: StepUpProof): Promise<void>;
}

/**
 * Asks the person to confirm who they are. Return a proof, or send it yourself with `prove` to be able to ask again if it is refused.
 * Resolve without either if the person declines: then the response is the refusal.
 */
export type OnStepUp = (challenge: StepUpChallenge) => Promise<StepUpProof | undefined>;

interface StepUpOptions {
  session: Session;
  onStepUp: OnStepUp;
  /** Sends a proof and resolves with the new access token. */
  send: (proof: StepUpProof) => Promise<Schemas["SteppedUp"]>;
}

/** A response that was refused, and what was proven for its request. */
export interface Refusal {
  response: Response;
  accessToken: string | undefined;
  done: Set<StepUpMethod>;
}

/** Asks for one proof at a time: other requests wait, and are repeated first. Resolves with whether to repeat the request. */
export function createStepUp({ session, onStepUp, send }: StepUpOptions) {
  let queue: Promise<unknown> = Promise.resolve();

  const ask = async ({ response, accessToken, done }: Refusal): Promise<boolean> => {
    if (session.state?.accessToken !== accessToken) return session.state !== undefined;
    const prove = async (proof: StepUpProof) => {
      await session.replaceAccessToken(await send(proof));
      done.add(proof.method);
    };
    const proof = await onStepUp({ ...readChallenge(response), done, prove });
    if (proof) await prove(proof);
    return session.state?.accessToken !== accessToken;
  };

  return (refusal: Refusal): Promise<boolean> => {
    const turn = queue.then(() => ask(refusal));
    queue = turn.catch(() => undefined);
    return turn;
  };
}

function readChallenge({ headers }: Response): Pick<StepUpChallenge, "acr" | "maxAgeSeconds"> {
  const text = headers.get("WWW-Authenticate") ?? "";
  const maxAge = /max_age="?(\d+)/.exec(text)?.[1];
  return {
    acr: /acr_values="([^"]*)"/.exec(text)?.[1],
    maxAgeSeconds: maxAge === undefined ? undefined : Number(maxAge),
  };
}
