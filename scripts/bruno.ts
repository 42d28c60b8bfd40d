// npm run clients:bruno: writes the Bruno collection in clients/bruno from the OpenAPI document. `npm run test:clients` fails if it is out
// of date.
import { writeCollection } from "./lib/bruno-files.ts";
import { buildDocument } from "./lib/document.ts";
import { main } from "./lib/fail.ts";
import type { OpenApiDocument } from "./lib/openapi.ts";

await main(async () => {
  const count = writeCollection((await buildDocument()) as OpenApiDocument);
  console.log(`${count} files of clients/bruno have changed.`);
});
