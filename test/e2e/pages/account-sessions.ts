import assert from "node:assert/strict";
import type { Browser } from "playwright-core";
import { readDevice } from "../../../pages/account/device.ts";
import type { DevServer } from "../server.ts";
import { openSection } from "./account.ts";
import { createCall, logIn, PASSWORD, register } from "./people.ts";
import { visit } from "./visit.ts";

const MOZILLA = "Mozilla/5.0";
const FIREFOX = `${MOZILLA} (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0`;
const CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0";
const WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
const IPHONE = `${MOZILLA} (iPhone; CPU iPhone OS 18_5 like Mac OS X)`;

/** User agents, and what people are told about them. */
const DEVICES = [
  [FIREFOX, "Firefox", "Windows"],
  [`${MOZILLA} (Windows NT 10.0; Win64; x64) ${CHROME} Safari/537.36 Edg/140.0`, "Edge", "Windows"],
  [`${MOZILLA} (Linux; Android 15; Pixel 9) ${CHROME} Mobile Safari/537.36`, "Chrome", "Android"],
  [
    `${MOZILLA} (Linux; Android 15; SM-S931B) ${CHROME} SamsungBrowser/28.0 Safari/537.36`,
    "Samsung Internet",
    "Android",
  ],
  [`${MOZILLA} (X11; CrOS x86_64 14541.0.0) ${CHROME} Safari/537.36`, "Chrome", "ChromeOS"],
  [`${MOZILLA} (X11; Linux x86_64) ${CHROME} Safari/537.36 OPR/120.0`, "Opera", "Linux"],
  [
    `${MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Version/18.5 Safari/605.1.15`,
    "Safari",
    "macOS",
  ],
  [`${IPHONE} ${WEBKIT} Version/18.5 Mobile/15E148 Safari/604.1`, "Safari", "iPhone"],
  [`${IPHONE} ${WEBKIT} CriOS/140.0 Mobile/15E148 Safari/604.1`, "Chrome", "iPhone"],
  ["curl/8.7.1", "curl", undefined],
  ["node", "node", undefined],
  [`${MOZILLA} (Unknown)`, undefined, undefined],
  ["", undefined, undefined],
] as const;

/** A person sees their sessions, ends one, and then all others. */
export async function testSessions(browser: Browser, { url }: DevServer): Promise<void> {
  for (const [userAgent, app, system] of DEVICES) {
    assert.deepEqual(readDevice(userAgent), { app, system }, userAgent);
  }
  await register(createCall(url), "otto");
  for (const [userAgent] of DEVICES.slice(0, 3)) await logInOn(url, userAgent);
  await visit(browser, url, async ({ page, checkAccessibility }) => {
    await page.goto("/account");
    await logIn(page, "otto");
    await openSection(page, "Sessions");
    await page.getByText("Firefox on Windows").waitFor();
    await page.getByText("Chrome on Android").waitFor();
    await page.getByText("This session").waitFor();
    await checkAccessibility();
    assert.equal(await page.getByRole("listitem").count(), 4);
    await page.getByRole("button", { name: "End the session of Firefox on Windows" }).click();
    await page.getByText("The session of Firefox on Windows has ended.").waitFor();
    await page.getByRole("button", { name: "End the session of Firefox" }).waitFor({
      state: "detached",
    });
    await page.getByRole("button", { name: "End all other sessions" }).click();
    await checkAccessibility();
    const dialog = page.getByRole("dialog", { name: "End all other sessions" });
    await dialog.getByRole("button", { name: "End all other sessions" }).click();
    await page.getByText("All other sessions have ended.").waitFor();
    await page.getByText("Edge on Windows").waitFor({ state: "detached" });
    assert.equal(await page.getByRole("listitem").count(), 1);
  });
}

async function logInOn(url: string, userAgent: string): Promise<void> {
  const response = await fetch(`${url}/v1/auth/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "User-Agent": userAgent },
    body: JSON.stringify({ username: "otto", password: PASSWORD }),
  });
  assert.equal(response.status, 200);
}
