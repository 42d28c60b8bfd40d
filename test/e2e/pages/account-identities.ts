import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { answerProvider, type IdentityProvider } from "../identity-provider.ts";
import type { DevServer } from "../server.ts";
import { openSection } from "./account.ts";
import { addTotp, createCall, logIn, logInByApi, register, type Surroundings } from "./people.ts";
import { visit } from "./visit.ts";

/** A person links an account at a provider, confirms with it who they are, and unlinks it. */
export async function testIdentities(
  browser: Browser,
  { url }: DevServer,
  { provider }: Surroundings,
): Promise<void> {
  const call = createCall(url);
  await register(call, "sven");
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
        await logInElsewhere(page, "Link Example", provider);
        await page.getByText("Example is linked.").waitFor();
        await page.getByText("sven-elsewhere@example.com").waitFor();
        await checkAccessibility();
        // With a second factor, unlinking needs two proofs: the password of the login, and the account at the provider.
        await addTotp(call, await logInByApi(call, "sven"));
        await page.getByRole("button", { name: "Unlink" }).click();
        const dialog = page.getByRole("dialog", { name: "Unlink Example" });
        await checkAccessibility();
        await dialog.getByRole("button", { name: "Unlink" }).click();
        await confirmAtProvider(page, provider, checkAccessibility);
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

async function confirmAtProvider(
  page: Page,
  provider: IdentityProvider,
  checkAccessibility: () => Promise<void>,
): Promise<void> {
  const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
  await dialog.getByLabel("How do you want to confirm?").selectOption("provider");
  await checkAccessibility();
  await logInElsewhere(page, "Confirm with Example", provider);
}

/** Clicks the button that opens the provider's window, and logs in there. */
async function logInElsewhere(
  page: Page,
  button: string,
  provider: IdentityProvider,
): Promise<void> {
  const opened = page.waitForEvent("popup");
  await page.getByRole("button", { name: button }).click();
  const window = await opened;
  await window.locator('input[name="login"]').waitFor();
  await answerProvider(window, provider, "sven-elsewhere");
}
