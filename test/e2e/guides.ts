// npm run test:guides [-- [--twice] NAME…]: runs the commands of the README's tour and of every page under docs against a new worker, and
// fails if a response differs from the one that the page shows. Names, such as use/lists, run these pages alone. With --twice, nearly all
// pages are followed a second time in the same order, as by a reader whose database has what they left.
import { setTimeout } from "node:timers/promises";
import { readCommandLine, refuseCommandLine } from "../../scripts/lib/command-line.ts";
import { readPages } from "../../scripts/lib/guide/pages.ts";
import { type DevServer, withDevServer } from "./server.ts";
import { checkSteps, readTour } from "./steps.ts";

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
  npm run test:guides [-- [--twice] NAME…]
Runs the commands of the tour and of every page of the documentation, or of those that are named, such as use/lists.
With --twice, they are run again on the same database.`;

const toName = (file: string) => file.replace(/^docs\/|\.md$/g, "");
const { values, positionals: chosen } = readCommandLine(USAGE, {
  options: { twice: { type: "boolean" } },
  allowPositionals: true,
});
const known = new Set([...readPages().values()].map(({ file }) => toName(file)));
const unknown = chosen.find((name) => !known.has(name));
if (unknown !== undefined) refuseCommandLine(USAGE, `There is no page ${unknown}.`);
const rounds = values.twice ? ["once", "again"] : ["once"];

await withDevServer(async (server) => {
  for (const round of rounds) {
    const pause = setTimeout(ROUND_MS, undefined, { ref: false });
    const isFirst = round === rounds[0];
    const pages = listPages().filter(([, text]) => isFirst || !SLOW.test(text));
    for (const [name, text] of pages) await follow(name, text, { server, round });
    if (round !== rounds.at(-1)) await pause;
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
