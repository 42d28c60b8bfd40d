import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { generateReplayable } from "../../../scripts/lib/api-types.ts";
import { requireCurrentCollection } from "../../../scripts/lib/bruno-files.ts";
import { buildDocument } from "../../../scripts/lib/document.ts";
import type { OpenApiDocument } from "../../../scripts/lib/openapi.ts";

const REPLAYABLE = new URL("../../../clients/typescript/src/replayable.ts", import.meta.url);

/** What is generated from the OpenAPI document and committed is up to date. */
export async function testCollection(): Promise<void> {
  const document = (await buildDocument()) as OpenApiDocument;
  requireCurrentCollection(document);
  assert.equal(await readFile(REPLAYABLE, "utf8"), generateReplayable(document));
}
