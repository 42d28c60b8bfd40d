// An OpenID provider on loopback, for tests of logins with providers.
import assert from "node:assert/strict";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";
import type { Page } from "playwright-core";
import { findFreePort } from "./server.ts";

const ID = "example";
const CLIENT = { client_id: "roster", client_secret: "a secret of this test alone" };

/** An OpenID provider, before it runs. */
export interface IdentityProvider {
  id: string;
  /** Its origin, too. */
  issuer: string;
  /** The settings with which a worker uses it. */
  settings: Record<string, string>;
  /** Starts it for the worker at this address. */
  start: (roster: string) => Promise<Server>;
}

/** Chooses a port for an OpenID provider called "Example", at which everyone logs in with any password. */
export async function prepareIdentityProvider(): Promise<IdentityProvider> {
  const port = await findFreePort();
  const issuer = `http://localhost:${port}`;
  const { client_id, client_secret } = CLIENT;
  return {
    id: ID,
    issuer,
    settings: {
      PROVIDERS: JSON.stringify([
        { id: ID, name: "Example", issuer, client_id, trust_email: true },
      ]),
      PROVIDER_EXAMPLE_SECRET: client_secret,
    },
    start: (roster) => serve(createProvider(issuer, roster), port, "localhost"),
  };
}

/** It leaves addresses to its userinfo endpoint. */
function createProvider(issuer: string, roster: string): RequestListener {
  const provider = new Provider(issuer, {
    clients: [{ ...CLIENT, redirect_uris: [`${roster}/v1/auth/providers/${ID}/callback`] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    cookies: { keys: ["a key of this test alone"] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: id }),
    }),
  });
  const listen = provider.callback();
  return (request, response) => void listen(request, response);
}

/** Starts a server at a port. */
export async function serve(
  listener: RequestListener,
  port: number,
  host: string,
): Promise<Server> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  assert.equal((server.address() as AddressInfo).port, port);
  return server;
}

/** Logs in at the provider and consents, as often as it asks, until the page is elsewhere or closes. */
export async function answerProvider(page: Page, { issuer }: { issuer: string }, login: string) {
  await page.waitForLoadState();
  while (!page.isClosed() && page.url().startsWith(issuer)) {
    const name = page.locator('input[name="login"]');
    if ((await name.count()) > 0) {
      await name.fill(login);
      await page.locator('input[name="password"]').fill("any");
    }
    const loaded = Promise.any([page.waitForEvent("load"), page.waitForEvent("close")]);
    await page.locator('button[type="submit"]').first().click();
    await loaded;
  }
}
