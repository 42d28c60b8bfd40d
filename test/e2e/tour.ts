// npm run test:tour: runs the commands of the README's tour as they stand there, against a worker of its own,
// and fails where an answer is not the one that the README shows.
import { readFileSync } from "node:fs";
import { withDevServer } from "./server.ts";
import { checkSteps } from "./steps.ts";

const README = new URL("../../README.md", import.meta.url);

await withDevServer(async ({ url }) => {
  const [, tour = ""] = readFileSync(README, "utf8").split("\n## Five-minute tour\n");
  const [section = ""] = tour.split("\n## ");
  const steps = await checkSteps(section, url);
  console.log(`The tour's ${steps} steps answer as the README says.`);
});
