// npm run types:api: writes what the TypeScript client knows of the API, from the OpenAPI document. `npm run check` needs the types.
import { mkdirSync, writeFileSync } from "node:fs";
import { generateApiTypes, generateReplayable } from "./lib/api-types.ts";
import { buildDocument } from "./lib/document.ts";
import { main } from "./lib/fail.ts";
import type { OpenApiDocument } from "./lib/openapi.ts";

const TARGET = new URL("../clients/typescript/src/", import.meta.url);

await main(async () => {
  const document = (await buildDocument()) as OpenApiDocument;
  mkdirSync(new URL("generated/", TARGET), { recursive: true });
  writeFileSync(new URL("generated/api.ts", TARGET), generateApiTypes(document));
  writeFileSync(new URL("replayable.ts", TARGET), generateReplayable(document));
});
