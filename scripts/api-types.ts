// npm run types:api: writes the types of the API that the browser pages use, from the OpenAPI document. `npm run check` needs them.
import { writeFileSync } from "node:fs";
import { generateApiTypes } from "./lib/api-types.ts";
import { buildDocument } from "./lib/document.ts";
import { main } from "./lib/fail.ts";

const TARGET = new URL("../pages/shared/api-types.d.ts", import.meta.url);

await main(async () => writeFileSync(TARGET, generateApiTypes(await buildDocument())));
