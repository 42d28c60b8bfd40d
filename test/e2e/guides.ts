// npm run test:guides [-- NAME…]: runs the commands of the README's tour and of every page under docs against a new worker, nearly all of them twice
// in the same order, and fails if a response differs from the one that the page shows. Names, such as use/lists, run these pages alone.
import { setTimeout } from "node:timers/promises";
import { readNames } from "../../scripts/lib/command-line.ts";
import { readPages } from "../../scripts/lib/guide/pages.ts";
import { type DevServer, withDevServer } from "./server.ts";
import { checkSteps, readTour } from "./steps.ts";

const ROUNDS = ["once", "again"];

/** An address gets one email of a kind per minute, so a reader cannot follow the guides again sooner, either. */
const ROUND_MS = 65_000;

/** Pages with commands of wrangler, which takes seconds to start, are followed once. */
const SLOW = /^npx wrangler d1/m;

/** What the pages ask their readers to set. */
const SETTINGS = {
  RATE_LIMIT_AUTH: "0",
  RATE_LIMIT_WRITE: "0",
  EMAIL_LOGIN: "on",
  PROVIDERS: JSON.stringify([
    { id: "github", name: "GitHub", preset: "github", client_id: "Ov23liExample" },
  ]),
  PROVIDER_GITHUB_SECRET: "secret-of-an-example",
  LOGIN_REDIRECT_URIS: "http://127.0.0.1/login",
};

const USAGE = `Usage:
  npm run test:guides [-- NAME…]
Runs the commands of the tour and of every page of the documentation, or of those that are named, such as use/lists.`;

const toName = (file: string) => file.replace(/^docs\/|\.md$/g, "");
const chosen = readNames(
  USAGE,
  [...readPages().values()].map(({ file }) => toName(file)),
);

await withDevServer(async (server) => {
  for (const round of ROUNDS) {
    const pause = setTimeout(ROUND_MS, undefined, { ref: false });
    const isFirst = round === ROUNDS[0];
    const pages = listPages().filter(([, text]) => isFirst || !SLOW.test(text));
    for (const [name, text] of pages) await follow(name, text, { server, round });
    if (round !== ROUNDS.at(-1)) await pause;
  }
}, SETTINGS);

async function follow(
  name: string,
  text: string,
  { server, round }: { server: DevServer; round: string },
): Promise<void> {
  const start = performance.now();
  const count = await checkSteps(text, server);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (count > 0) console.log(`ok  ${name}, ${round}: ${count} steps match, ${seconds} s`);
}

/** The pages whose commands are followed, by name. The tour is first: it lists all users. */
function listPages(): [name: string, text: string][] {
  const pages = [...readPages().values()].map(({ file, text }): [string, string] => [file, text]);
  if (chosen.length === 0) return [["README.md", readTour()], ...pages];
  return pages.filter(([file]) => chosen.includes(toName(file)));
}
