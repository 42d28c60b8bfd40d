/** The channel between the page that began a login at a provider and the window in which it happens. */
export const PROVIDER_CHANNEL = "roster.provider";

/** The path that providers' logins come back to. */
export const CALLBACK_PATH = "/account/callback";

/** What a login at a provider has come to. Not checked: only the page that began it knows its state. */
export interface CallbackAnswer {
  code: string | undefined;
  state: string | undefined;
  error: string | undefined;
}

/**
 * The answer with which the page was opened, if it is the one that providers' logins come back to. It is removed from the address, and
 * thus from the history. Call it before anything else.
 */
export function takeCallback(): CallbackAnswer | undefined {
  if (location.pathname !== CALLBACK_PATH) return undefined;
  const query = new URLSearchParams(location.search);
  history.replaceState(null, "", CALLBACK_PATH);
  const read = (name: string) => query.get(name) ?? undefined;
  return { code: read("code"), state: read("state"), error: read("error") };
}

/**
 * Hands the answer to the page that began the login, and closes this window. Without the verifier, which only that page has, the code is
 * worth nothing.
 */
export function handOver(answer: CallbackAnswer): void {
  new BroadcastChannel(PROVIDER_CHANNEL).postMessage(answer);
  window.close();
}
