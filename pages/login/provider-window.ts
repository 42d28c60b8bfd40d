// Logins at a provider, in a window of its own, so that this page and its tokens stay. The provider sends that window to
// /account/callback (callback.ts), which hands the result over here.
import { ok } from "roster-client";
import { api } from "../shared/api.ts";
import { localProblem } from "../shared/problem.ts";
import { CALLBACK_PATH, type CallbackAnswer, PROVIDER_CHANNEL } from "./callback.ts";

export type Intent = "login" | "link" | "step_up";

/** What POST /v1/auth/exchange takes. */
export interface ProviderProof {
  code: string;
  code_verifier: string;
}

/**
 * Opens the provider's window, and waits until the person has logged in there. Call it directly from a click: browsers block windows that
 * open later. Throws a `Problem`, also if the window is blocked, and the reason of the signal. Whether the person has closed the window
 * cannot be seen from here, because Cross-Origin-Opener-Policy separates them.
 */
export async function askProvider(
  provider: { id: string; intent: Intent },
  signal: AbortSignal,
): Promise<ProviderProof> {
  const { id, intent } = provider;
  // Before a link, the person may have to confirm who they are, in this window.
  const early = intent === "link" ? undefined : openWindow();
  try {
    const code_verifier = createRandomText();
    const state = createRandomText();
    const answer = waitForAnswer(state, signal);
    answer.catch(() => undefined);
    const { authorization_url } = await ok(
      api.POST("/v1/auth/providers/{id}/start", {
        params: { path: { id } },
        body: {
          redirect_uri: `${location.origin}${CALLBACK_PATH}`,
          code_challenge: await computeChallenge(code_verifier),
          state,
          intent,
        },
      }),
    );
    signal.throwIfAborted();
    if (early?.closed) throw localProblem("window_closed");
    (early ?? openWindow()).location.replace(authorization_url);
    const { code, error } = await answer;
    if (!code)
      throw localProblem(error === "access_denied" ? "provider_denied" : "provider_failed");
    return { code, code_verifier };
  } catch (error) {
    early?.close();
    throw error;
  }
}

function openWindow(): Window {
  const opened = window.open("", "_blank", "popup,width=520,height=720");
  if (!opened) throw localProblem("window_blocked");
  return opened;
}

/** The first answer with this state. Answers to other windows are ignored. */
function waitForAnswer(state: string, signal: AbortSignal): Promise<CallbackAnswer> {
  const channel = new BroadcastChannel(PROVIDER_CHANNEL);
  return new Promise<CallbackAnswer>((resolve, reject) => {
    channel.onmessage = ({ data }: MessageEvent<CallbackAnswer>) => {
      if (data.state === state) resolve(data);
    };
    signal.addEventListener("abort", () => reject(signal.reason));
  }).finally(() => channel.close());
}

/** 256 random bits, as a PKCE verifier is written (RFC 7636 section 4.1). */
function createRandomText(): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
}

/** RFC 7636 section 4.2, S256. */
async function computeChallenge(verifier: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return toBase64Url(new Uint8Array(digest));
}

function toBase64Url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
