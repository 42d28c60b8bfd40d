import { read } from "../../access/read.ts";
import { requirePerson } from "../../access/require.ts";
import { requireStepUp } from "../../access/step-up.ts";
import type { Context } from "../../context.ts";
import { AppError, invalidField } from "../../errors.ts";
import type { Provider } from "../../lib/login-provider.ts";
import { describeError } from "../../platform/logger.ts";
import { type Authorization, createAuthorizationUrl } from "./authorization-url.ts";
import { toFailure } from "./failure.ts";
import { getProvider } from "./list.ts";
import { mayRedirectTo } from "./redirects.ts";
import type { StartProviderLogin } from "./schema.ts";
import type { AuthorizationRequest, Intent } from "./state.ts";

/**
 * Starts a login with a provider, the linking of an account there, or a step-up. Stores nothing. Throws `unauthenticated`, `forbidden`
 * and `insufficient_user_authentication` for what needs a session, `provider_not_found`, `redirect_uri_not_allowed` and
 * `provider_unavailable`.
 */
export async function startProviderLogin(
  ctx: Context,
  { id, ...input }: StartProviderLogin & { id: string },
): Promise<Authorization> {
  const { intent, redirect_uri: redirectUri } = input;
  const caller = intent === "login" ? undefined : await findCaller(ctx, intent);
  const provider = getProvider(ctx, id);
  if (!mayRedirectTo(ctx, redirectUri)) {
    throw new AppError("redirect_uri_not_allowed");
  }
  if (intent === "step_up" && provider.kind === "github") {
    throw invalidField("intent", "invalid_value", "GitHub does not tell when people logged in.");
  }
  return authorize(ctx, provider, {
    intent,
    redirectUri,
    codeChallenge: input.code_challenge,
    clientState: input.state,
    loginHint: input.login_hint,
    caller,
  });
}

async function findCaller(ctx: Context, intent: Intent) {
  if (!ctx.access) throw new AppError("unauthenticated");
  const { acting } = await read(ctx, {});
  const { userId, sessionId } = requirePerson(acting);
  if (intent === "link") requireStepUp(acting);
  return { userId, sessionId };
}

async function authorize(
  ctx: Context,
  provider: Provider,
  request: AuthorizationRequest & { loginHint: string | undefined },
): Promise<Authorization> {
  try {
    return await createAuthorizationUrl(ctx, provider, request);
  } catch (error) {
    const { error: result, reason } = toFailure(error);
    const fields = { provider: provider.id, result, reason, ...describeError(error) };
    ctx.log("warn", "provider.failed", fields);
    throw new AppError("provider_unavailable", { cause: error });
  }
}
