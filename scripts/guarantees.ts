// npm run docs:guarantees: writes docs/results/guarantees.md, the table of what Roster guarantees and the tests that prove it.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SECTIONS } from "../test/guarantees/sections.ts";
import { main, UsageError } from "./lib/fail.ts";
import { findLineFaults, renderGuarantees } from "./lib/guarantees.ts";

const TESTS = new URL("../test/", import.meta.url);

await main(async () => {
  const files = globSync(["**/*.test.ts", "e2e/**/*.ts"], { cwd: fileURLToPath(TESTS) });
  const sources = Object.fromEntries(
    files.map((file) => [
      file.replace(/(\.test)?\.ts$/, ""),
      readFileSync(new URL(file, TESTS), "utf8"),
    ]),
  );
  const lines = SECTIONS.flatMap((section) => section.lines);
  const faults = lines.flatMap((line) => findLineFaults(line, sources));
  if (faults.length > 0) throw new UsageError(faults.join("\n"));
  const file = new URL("../docs/results/guarantees.md", import.meta.url);
  writeFileSync(file, renderGuarantees(SECTIONS));
  console.log(`Wrote docs/results/guarantees.md: ${lines.length} lines.`);
});
