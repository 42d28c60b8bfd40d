import { getProvider } from "../../src/authentication/providers/list.ts";
import { redeemCallback } from "../../src/authentication/providers/redeem.ts";
import { readState } from "../../src/authentication/providers/state.ts";
import { type Bindings, createContext, getIsolate } from "../../src/context.ts";
import { createMeter } from "../../src/lib/meter.ts";
import { beginSpan } from "../../src/lib/trace.ts";
import { createLog } from "../../src/platform/logger.ts";
import { type RequestOptions, send } from "./api.ts";
import { createIsolate } from "./isolates.ts";
import {
  CODE_CHALLENGE,
  type Deviation,
  type FakeProviders,
  providerSettings,
  REDIRECT_URI,
} from "./providers.ts";

/** The request to start a login. */
export function sendStart(
  id: string,
  { bindings = createIsolate(providerSettings()), body, ...options }: RequestOptions = {},
) {
  return send(`/v1/auth/providers/${id}/start`, {
    bindings,
    body: {
      redirect_uri: REDIRECT_URI,
      code_challenge: CODE_CHALLENGE,
      intent: "login",
      ...(body as object),
    },
    ...options,
  });
}

/** The parameters of the address at the provider that a start returned. */
export const parametersOf = (answer: { body: { authorization_url: string } }) =>
  new URL(answer.body.authorization_url).searchParams;

/** The state of a login, as Roster reads it in a callback of this provider; undefined if it refuses it. */
export async function openState(bindings: Cloudflare.Env, id: string, text: string) {
  const { ctx } = await createProviderContext(bindings);
  return readState(ctx, getProvider(ctx, id), text);
}

/** What Roster finds in a callback: who logged in. Rejects with what the application is told. */
export async function redeem(bindings: Cloudflare.Env, id: string, parameters: URLSearchParams) {
  const { ctx, work } = await createProviderContext(bindings);
  const provider = getProvider(ctx, id);
  const state = await readState(ctx, provider, parameters.get("state") ?? "");
  if (!state) throw new Error("no state");
  try {
    return await redeemCallback(ctx, provider, { state, parameters });
  } finally {
    await Promise.all(work);
  }
}

async function createProviderContext(bindings: Cloudflare.Env) {
  const result = await getIsolate(bindings).config;
  if (!result.ok) throw new Error(JSON.stringify(result.faults));
  const work: Promise<unknown>[] = [];
  const ctx = createContext({
    bindings: bindings as Bindings,
    config: result.config,
    meter: createMeter(),
    actor: { type: "anonymous" },
    client: { ip: "203.0.113.7", userAgent: null, country: null },
    requestId: crypto.randomUUID(),
    trace: beginSpan(),
    log: createLog(() => ({ minLevel: "debug", fields: {} })),
    waitUntil: (one) => work.push(one),
  });
  return { ctx, work };
}

interface Flow extends Deviation {
  bindings?: Cloudflare.Env;
  /** The credential and the body of the start. */
  start?: RequestOptions;
  /** Changes what the provider sends to the callback. */
  change?: (callback: URLSearchParams) => void;
}

/** A whole login, from the start to what Roster finds. */
export async function redeemLogin(fake: FakeProviders, id: string, flow: Flow = {}) {
  const { bindings = createIsolate(providerSettings()), start, change, ...deviation } = flow;
  const { body, text } = await sendStart(id, { ...start, bindings });
  if (!body.authorization_url) throw new Error(`no start: ${text}`);
  const callback = fake.logIn(body.authorization_url, deviation);
  change?.(callback);
  return redeem(bindings, id, callback);
}
