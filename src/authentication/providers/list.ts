import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import type { Provider } from "../../lib/login-provider.ts";
import { openPage, type Page, type PageRequest, toPage } from "../../paging.ts";

/** A page of the login providers, in the order of the settings. */
export async function getProviderPage(ctx: Context, request: PageRequest): Promise<Page<Provider>> {
  const { providers, macKeys } = ctx.config;
  const list = {
    scope: "providers",
    keys: macKeys,
    positionOf: (provider: Provider) => [providers.indexOf(provider)],
  };
  const position = await openPage(list, request);
  const first = position ? Number(position[0]) + 1 : (request.skip ?? 0);
  const rows = providers.slice(first, first + request.limit + 1);
  return toPage(list, request, rows, [{ total: providers.length }]);
}

/** A login provider by id. Throws `provider_not_found`. */
export function getProvider({ config }: Pick<Context, "config">, id: string): Provider {
  const provider = config.providers.find((one) => one.id === id);
  if (!provider) throw new AppError("provider_not_found");
  return provider;
}
