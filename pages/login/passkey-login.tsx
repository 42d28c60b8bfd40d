import { useEffect, useRef, useState } from "preact/hooks";
import { type components, isProblem, ok } from "roster-client";
import { api } from "../shared/api.ts";
import { localProblem } from "../shared/problem.ts";
import { useTexts } from "../texts/texts.ts";
import { useAction } from "../ui/load.tsx";
import { ProblemNotice } from "../ui/notice.tsx";
import type { Flow } from "./flow.ts";
import { assertFromAutofill, assertWithPasskey } from "./passkeys.ts";

type Credential = components["schemas"]["AuthenticationCredential"];

/** Options are good for five minutes. */
const RENEW_MS = 4 * 60_000;

/** Logs in with a passkey: by a button, or as the browser offers it while the name is typed. */
export function PasskeyLogin({ flow }: { flow: Flow }) {
  const { login } = useTexts();
  const { run, isBusy, problem } = useAction();
  const logIn = async (credential: Credential) => {
    try {
      await flow.logIn((stay) =>
        ok(api.POST("/v1/auth/passkey/login", { body: { credential, ...stay } })),
      );
    } catch (error) {
      throw isProblem(error, "invalid_credentials") ? localProblem("passkey_unknown") : error;
    }
  };
  const logInByButton = () =>
    run(async () => logIn(await assertWithPasskey(await requestOptions())));
  useAutofill((credential) => run(() => logIn(credential)), isBusy);
  return (
    <>
      <button type="button" disabled={isBusy} onClick={logInByButton}>
        {login.byPasskey}
      </button>
      {problem && <ProblemNotice problem={problem} />}
    </>
  );
}

// Browsers allow one request at a time, so it pauses while the button is used.
function useAutofill(use: (credential: Credential) => Promise<void>, isPaused: boolean): void {
  const [round, setRound] = useState(0);
  const latest = useRef(use);
  latest.current = use;
  useEffect(() => {
    if (isPaused) return;
    const controller = new AbortController();
    const timer = setTimeout(() => setRound((last) => last + 1), RENEW_MS);
    assertFromAutofill(requestOptions, controller.signal).then(
      (credential) => credential && latest.current(credential),
      // The person has asked for nothing yet, so nothing has failed for them.
      () => undefined,
    );
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [isPaused, round]);
}

async function requestOptions() {
  return (await ok(api.POST("/v1/auth/passkey/options"))).public_key;
}
