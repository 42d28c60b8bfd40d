// npm run test:guides: runs the commands of the README's tour, docs/use and the pages of docs/run below against a new worker, all of them
// twice in the same order, and fails if a response differs from the one that the page shows.
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { withDevServer } from "./server.ts";
import { checkSteps, readTour } from "./steps.ts";

const DOCS = new URL("../../docs/", import.meta.url);
const FOLDERS = ["use", "run"];
const PAGES = ["import.md", "audit.md", "analytics.md"];
const ROUNDS = ["once", "again"];

/** An address gets one email of a kind per minute, so a reader cannot follow the guides again sooner, either. */
const ROUND_MS = 65_000;

await withDevServer(
  async ({ url }) => {
    for (const round of ROUNDS) {
      const pause = setTimeout(ROUND_MS, undefined, { ref: false });
      for (const [name, text] of listPages()) {
        const count = await checkSteps(text, url);
        console.log(`ok  ${name}, ${round}: ${count} steps match`);
      }
      if (round !== ROUNDS.at(-1)) await pause;
    }
  },
  { RATE_LIMIT_AUTH: "0", EMAIL_LOGIN: "on" },
);

/** The pages whose commands are followed, by name. The tour is first: it lists all users. */
function listPages(): [name: string, text: string][] {
  const pages = FOLDERS.flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, DOCS))
      .filter((name) => name.endsWith(".md") && name !== "README.md")
      .filter((name) => folder === "use" || PAGES.includes(name) || name.startsWith("coming-from"))
      .sort()
      .map((name) => `${folder}/${name}`),
  ).map((name): [string, string] => [`docs/${name}`, readFileSync(new URL(name, DOCS), "utf8")]);
  return [["README.md", readTour()], ...pages];
}
