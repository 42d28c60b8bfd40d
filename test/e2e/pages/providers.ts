import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { answerProvider, type IdentityProvider } from "../identity-provider.ts";
import type { DevServer } from "../server.ts";
import type { Surroundings } from "./people.ts";
import { visit } from "./visit.ts";

/** Logins with a real OpenID provider, in a window of its own. */
export async function testProviders(
  browser: Browser,
  { url }: DevServer,
  { provider }: Surroundings,
): Promise<void> {
  const server = await provider.start(url);
  try {
    await testWindow(browser, url, provider);
    await testBlockedWindow(browser, url);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function testWindow(browser: Browser, url: string, provider: IdentityProvider) {
  const options = { elsewhere: provider.issuer };
  await visit(
    browser,
    url,
    async ({ page, checkAccessibility }) => {
      await page.goto("/account");
      await closeWindow(page, checkAccessibility);
      const denied = await openWindow(page);
      await denied.getByRole("link", { name: /cancel/i }).click();
      await page.getByText("You have not allowed the login there.").waitFor();
      await page.getByLabel("Stay signed in on this device").check();
      const window = await openWindow(page);
      // Another window's answer, with a state of its own, is ignored.
      const stranger = await page.context().newPage();
      await stranger.goto("/account/callback?code=rxc_other&state=other");
      await stranger.getByText("You can close this window").waitFor();
      assert.equal(stranger.url(), `${url}/account/callback`);
      const closed = window.waitForEvent("close");
      await answerProvider(window, provider, "paul");
      await closed;
      await page.getByRole("button", { name: "Log out" }).waitFor();
      await page.reload();
      await page.getByRole("button", { name: "Log out" }).waitFor();
    },
    options,
  );
}

/** Opens the provider's window, and closes it. */
async function closeWindow(page: Page, checkAccessibility: () => Promise<void>): Promise<void> {
  const window = await openWindow(page);
  await window.close();
  await page.getByText("Go on in the window of Example.").waitFor();
  await checkAccessibility();
  await page.getByRole("button", { name: "Cancel" }).click();
}

async function openWindow(page: Page): Promise<Page> {
  const opened = page.waitForEvent("popup");
  await page.getByRole("button", { name: "Continue with Example" }).click();
  const window = await opened;
  await window.locator('input[name="login"]').waitFor();
  return window;
}

async function testBlockedWindow(browser: Browser, url: string): Promise<void> {
  await visit(browser, url, async ({ page, checkAccessibility }) => {
    await page.addInitScript(() => {
      window.open = () => null;
    });
    await page.goto("/account");
    await page.getByRole("button", { name: "Continue with Example" }).click();
    await page.getByText("Your browser has blocked the window.").waitFor();
    await checkAccessibility();
  });
}
