// What the tests of the browser pages share: visits, each in a browser context of its own, that fail on anything a page must not do.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Statuses that pages expect and handle. Browsers log every response from 400 on as an error. */
const EXPECTED =
  /^Failed to load resource: the server responded with a status of (400|401|403|404|409|412|422|429)/;
const UNREADY = /^Failed to load resource: the server responded with a status of 503/;
const TOKEN = /rrt_|rmf_|eyJ[\w-]+\.|rk_|token=/;

interface VisitOptions {
  /** The width of the window, in CSS pixels. */
  width?: number;
  scheme?: "light" | "dark";
  locale?: string;
  /** A virtual authenticator that verifies its user. */
  hasAuthenticator?: boolean;
  /** Whether the service answers 503 in this visit. */
  isUnready?: boolean;
  /** Another origin that the person visits, such as that of a login provider. What happens there is not checked. */
  elsewhere?: string;
}

export interface Visit {
  page: Page;
  /** The requests to the API so far, as `GET /v1/users`. */
  calls: string[];
  /** Whether someone is there who touches the virtual authenticator when it asks from now on, as at first. */
  setPresence(isPresent: boolean): Promise<void>;
  /** Checks the page as it is now with axe. Fails on findings that are serious or critical. */
  checkAccessibility(): Promise<void>;
}

/**
 * Runs `work` in a new browser context. Fails if the page logged an error, violated its CSP, asked another host, or has a token in its
 * address or in web storage at the end.
 */
export async function visit(
  browser: Browser,
  origin: string,
  work: (visit: Visit) => Promise<void>,
  {
    width = 1280,
    scheme = "light",
    locale = "en",
    hasAuthenticator = false,
    isUnready = false,
    elsewhere,
  }: VisitOptions = {},
): Promise<void> {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    colorScheme: scheme,
    locale,
    permissions: ["clipboard-read", "clipboard-write"],
    baseURL: origin,
  });
  context.setDefaultTimeout(20_000);
  const faults: string[] = [];
  const calls: string[] = [];
  const addresses: string[] = [];
  const isElsewhere = (address = "") =>
    elsewhere !== undefined && address.startsWith(`${elsewhere}/`);
  context.on("console", (message) => {
    if (message.type() !== "error" || EXPECTED.test(message.text())) return;
    if (isUnready && UNREADY.test(message.text())) return;
    if (isElsewhere(message.page()?.url())) return;
    faults.push(`console: ${message.text()}`);
  });
  context.on("weberror", (error) => faults.push(`error: ${error.error().message}`));
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (isElsewhere(url.href) || isElsewhere(request.frame().url())) return;
    if (url.origin !== origin && url.protocol.startsWith("http")) faults.push(`foreign: ${url}`);
    if (url.pathname.startsWith("/v1/")) calls.push(`${request.method()} ${url.pathname}`);
    addresses.push(url.pathname + url.search);
  });
  const page = await context.newPage();
  const setPresence = hasAuthenticator ? await addAuthenticator(page) : async () => {};
  try {
    await work({ page, calls, setPresence, checkAccessibility: () => checkAccessibility(page) });
    addresses.push(new URL(page.url()).hash);
    const stored = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
    );
    assert.doesNotMatch(stored, TOKEN, "a token in web storage");
    for (const address of addresses) assert.doesNotMatch(address, TOKEN, "a token in an address");
    assert.deepEqual(faults, [], "what the page did wrong");
  } catch (error) {
    console.error(`At ${page.url()}:\n${faults.join("\n")}\n${await readText(page)}`);
    throw error;
  } finally {
    await context.close();
  }
}

async function checkAccessibility(page: Page): Promise<void> {
  await page.evaluate(AXE);
  const findings = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run: () => Promise<AxeResults> } };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(" ")}`);
  });
  assert.deepEqual(findings, [], `accessibility of ${page.url()}`);
}

interface AxeResults {
  violations: { id: string; help: string; impact: string; nodes: { html: string }[] }[];
}

async function addAuthenticator(page: Page): Promise<Visit["setPresence"]> {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return async (enabled) => {
    await session.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
  };
}

async function readText(page: Page): Promise<string> {
  try {
    return await page.locator("body").innerText({ timeout: 1000 });
  } catch {
    return "";
  }
}
