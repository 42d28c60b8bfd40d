// npm run test:tour: runs the commands of the README's tour against a new worker
// and fails if a response differs from the one that the README shows.
import { readFileSync } from "node:fs";
import { withDevServer } from "./server.ts";
import { checkSteps } from "./steps.ts";

const README = new URL("../../README.md", import.meta.url);

await withDevServer(async ({ url }) => {
  const [, tour = ""] = readFileSync(README, "utf8").split("\n## Five-minute tour\n");
  const [section = ""] = tour.split("\n## ");
  const steps = await checkSteps(section, url);
  console.log(`All ${steps} steps of the tour match the README.`);
});
