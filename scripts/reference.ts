// npm run docs:reference: writes docs/reference.md, every operation of the API, and docs/errors.md, every error code.
import { writeFileSync } from "node:fs";
import { buildDocument } from "./lib/document.ts";
import { main } from "./lib/fail.ts";
import type { ApiDocument } from "./lib/reference/document.ts";
import { renderErrors } from "./lib/reference/errors.ts";
import { renderReference } from "./lib/reference/render.ts";

const DOCS = new URL("../docs/", import.meta.url);

await main(async () => {
  const document = (await buildDocument()) as ApiDocument;
  const { ERRORS, toPublicCode } = await import("../src/errors.ts");
  const { FAULT_CODES } = await import("../src/lib/fault-codes.ts");
  const toPublic = (code: string) => toPublicCode(code as keyof typeof ERRORS);
  writeFileSync(new URL("reference.md", DOCS), renderReference(document));
  writeFileSync(new URL("errors.md", DOCS), renderErrors(document, ERRORS, FAULT_CODES, toPublic));
  console.log("Wrote docs/reference.md and docs/errors.md.");
});
