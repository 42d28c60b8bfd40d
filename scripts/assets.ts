// npm run assets: writes the worker's static assets: the files of the docs page, the browser pages, and the guide.
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { writeGuide } from "./lib/guide/build.ts";
import { writePages } from "./lib/pages.ts";

const from = new URL("../node_modules/swagger-ui-dist/", import.meta.url);
const to = new URL("../dist/assets/docs/assets/swagger-ui-dist/", import.meta.url);

mkdirSync(to, { recursive: true });
for (const file of ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"]) {
  const source = fileURLToPath(new URL(file, from));
  const target = fileURLToPath(new URL(file, to));
  // A worker that is running reads the files again whenever they are written.
  if (existsSync(target) && Buffer.compare(readFileSync(source), readFileSync(target)) === 0)
    continue;
  cpSync(source, target);
}
await writePages();
await writeGuide();
