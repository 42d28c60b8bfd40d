import assert from "node:assert/strict";
import type { Browser } from "playwright-core";
import { answerProvider } from "../identity-provider.ts";
import type { DevServer } from "../server.ts";
import { openSection } from "./account.ts";
import { createCall, logIn, register, type Surroundings } from "./people.ts";
import { visit } from "./visit.ts";

/** A person links an account at a provider, and unlinks it. */
export async function testIdentities(
  browser: Browser,
  { url }: DevServer,
  { provider }: Surroundings,
): Promise<void> {
  await register(createCall(url), "sven");
  const server = await provider.start(url);
  try {
    await visit(
      browser,
      url,
      async ({ page, checkAccessibility }) => {
        await page.goto("/account");
        await logIn(page, "sven");
        await openSection(page, "Identities");
        await page.getByText("No account is linked.").waitFor();
        await checkAccessibility();
        const opened = page.waitForEvent("popup");
        await page.getByRole("button", { name: "Link Example" }).click();
        const window = await opened;
        await window.locator('input[name="login"]').waitFor();
        await answerProvider(window, provider, "sven-elsewhere");
        await page.getByText("Example is linked.").waitFor();
        await page.getByText("sven-elsewhere@example.com").waitFor();
        await checkAccessibility();
        await page.getByRole("button", { name: "Unlink" }).click();
        const dialog = page.getByRole("dialog", { name: "Unlink Example" });
        await checkAccessibility();
        await dialog.getByRole("button", { name: "Unlink" }).click();
        await page.getByText("Example is no longer linked.").waitFor();
        await page.getByText("No account is linked.").waitFor();
        assert.equal(await page.getByRole("button", { name: "Unlink" }).count(), 0);
      },
      { elsewhere: provider.issuer },
    );
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
