// npm run pictures: takes a picture of every browser page, light and dark, 1280 and 360 pixels wide, into dist/pictures, and one of the
// console for the README into docs/pictures. CHROMIUM_PATH is the browser's path.
import { mkdir, rm } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { withBrowser } from "./browser.ts";
import { type Call, createCall, logIn, logInByApi, PASSWORD } from "./pages/people.ts";
import { type DevServer, withDevServer } from "./server.ts";

const PICTURES = new URL("../../dist/pictures/", import.meta.url);
const README_PICTURE = new URL("../../docs/pictures/console.png", import.meta.url);
/** Lists are large in PNG: a few rows are enough. */
const README_CLIP = { x: 0, y: 0, width: 1280, height: 507 };
const WIDTHS = [1280, 360];
const QUIET_MS = 300;
const SCHEMES = ["light", "dark"] as const;

/** The first one is the person whose account is shown. */
const PEOPLE = [
  ["ada", "Ada", "Lovelace", "moderator"],
  ["grace", "Grace", "Hopper", "admin"],
  ["alan", "Alan", "Turing", "user"],
  ["katherine", "Katherine", "Johnson", "moderator"],
  ["edsger", "Edsger", "Dijkstra", "user"],
  ["barbara", "Barbara", "Liskov", "user"],
  ["donald", "Donald", "Knuth", "user"],
  ["margaret", "Margaret", "Hamilton", "user"],
  ["tim", "Tim", "Berners-Lee", "user"],
  ["radia", "Radia", "Perlman", "user"],
] as const;

const CONSOLE = ["users", "users/{id}", "roles", "audit", "operations", "analytics"];
const ACCOUNT = [
  "",
  "email",
  "password",
  "sessions",
  "factors",
  "identities",
  "api-keys",
  "activity",
  "data",
];
/** Dialogs of the account: the page, and the button that opens it. */
const DIALOGS = [
  ["api-keys", "Create an API key"],
  ["factors", "Add an authenticator app"],
  ["data", "Delete your account"],
] as const;
/** Pages that need no login. */
const OPEN = [
  "console",
  "account",
  "verify-email#token=none",
  "reset-password#token=none",
  "email-login#token=none",
  "invitation#token=none",
];

/** When each page asked for something last. */
const lastRequests = new WeakMap<Page, number>();

await rm(PICTURES, { recursive: true, force: true });
await mkdir(PICTURES, { recursive: true });
await mkdir(new URL(".", README_PICTURE), { recursive: true });
await withDevServer((server) => withBrowser((browser) => takePictures(browser, server)), {
  RATE_LIMIT_AUTH: "0",
  RATE_LIMIT_WRITE: "0",
  EMAIL_LOGIN: "on",
});

async function takePictures(browser: Browser, { url, admin }: DevServer): Promise<void> {
  const id = await createPeople(createCall(url), admin);
  for (const scheme of SCHEMES) {
    for (const width of WIDTHS) {
      const album = { browser, url, scheme, width };
      await takeOpenPages(album);
      await takeConsole(album, admin, id);
      await takeAccount(album);
    }
  }
  console.log(`The pictures are in ${fileURLToPath(PICTURES)}`);
}

interface Album {
  browser: Browser;
  url: string;
  scheme: "light" | "dark";
  width: number;
}

async function takeOpenPages(album: Album): Promise<void> {
  const page = await openPage(album);
  for (const path of OPEN) {
    // Pages that differ in their fragment alone are not loaded again.
    await page.goto("about:blank");
    await page.goto(`${album.url}/${path}`);
    await take(page, album, `open-${path.replace(/#.*/, "")}`);
  }
  await page.context().close();
}

async function takeConsole(album: Album, admin: DevServer["admin"], id: string): Promise<void> {
  const page = await openPage(album);
  await page.goto(`${album.url}/console`);
  await logIn(page, admin.username, admin.password);
  for (const path of CONSOLE) {
    await goTo(page, `/console/${path.replace("{id}", id)}`);
    await take(page, album, `console-${path.replace("{id}", "one")}`);
    if (path !== "users" || album.width !== WIDTHS[0] || album.scheme !== "light") continue;
    await page.screenshot({ path: fileURLToPath(README_PICTURE), clip: README_CLIP });
  }
  await page.context().close();
}

async function takeAccount(album: Album): Promise<void> {
  const page = await openPage(album);
  await page.goto(`${album.url}/account`);
  await logIn(page, PEOPLE[0][0]);
  for (const path of ACCOUNT) {
    await goTo(page, path ? `/account/${path}` : "/account");
    await take(page, album, `account-${path || "overview"}`);
  }
  for (const [path, button] of DIALOGS) {
    await goTo(page, `/account/${path}`);
    await page.getByRole("button", { name: button }).click();
    await take(page, album, `account-${path}-dialog`);
    await page.keyboard.press("Escape");
  }
  await page.context().close();
}

/** Creates people, one of whom has sessions and API keys. Returns that one's id. */
async function createPeople(call: Call, admin: DevServer["admin"]): Promise<string> {
  const token = await logInByApi(call, admin.username, admin.password);
  const ids: string[] = [];
  for (const [username, first_name, last_name, role] of PEOPLE) {
    const names = { username, email: `${username}@example.com`, first_name, last_name };
    const body = { ...names, password: PASSWORD, role };
    ids.push((await call("/v1/users", { body, token, status: 201 })).id);
  }
  const own = await logInByApi(call, PEOPLE[0][0]);
  const key = { name: "Nightly export", scopes: ["me:read", "users:read"] };
  await call("/v1/api-keys", { body: key, token: own, status: 201 });
  return ids[0] ?? "";
}

async function openPage({ browser, scheme, width }: Album): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    colorScheme: scheme,
    locale: "en",
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const note = () => lastRequests.set(page, performance.now());
  for (const event of ["request", "requestfinished", "requestfailed"] as const) {
    page.on(event as "request", note);
  }
  return page;
}

/** Opens another page of the application, as its links do: loading it again would need another login. */
async function goTo(page: Page, path: string): Promise<void> {
  await page.evaluate((path) => {
    history.pushState(null, "", path);
    dispatchEvent(new PopStateEvent("popstate"));
  }, path);
}

/** Takes a picture once the page has asked for nothing more for a while. */
async function take(page: Page, { scheme, width }: Album, name: string): Promise<void> {
  lastRequests.set(page, performance.now());
  const isQuiet = () => performance.now() - (lastRequests.get(page) ?? 0) > QUIET_MS;
  while (!isQuiet()) await setTimeout(QUIET_MS / 4);
  await page.getByText("Loading…", { exact: true }).first().waitFor({ state: "detached" });
  const file = new URL(`${name.replaceAll("/", "-")}-${scheme}-${width}.png`, PICTURES);
  await page.screenshot({ path: fileURLToPath(file), fullPage: true });
}
