import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

/** The OpenAPI document as the worker serves it, without starting the worker. */
export async function buildDocument(): Promise<unknown> {
  const hooks = registerHooks({
    // The worker's bundler supports named imports from JSON. Node does not.
    load(url, context, nextLoad) {
      if (!url.endsWith(".json")) return nextLoad(url, context);
      const source = Object.entries(JSON.parse(readFileSync(new URL(url), "utf8")))
        .map(([name, value], i) => [`const v${i} = ${JSON.stringify(value)};`, name, i] as const)
        .map(([line, name, i]) => `${line} export { v${i} as ${JSON.stringify(name)} };`);
      return { format: "module", source: source.join("\n"), shortCircuit: true };
    },
  });
  const { createApp } = await import("../../src/app.ts");
  const { buildOpenApiDocument } = await import("../../src/operations/openapi.ts");
  hooks.deregister();
  return JSON.parse(JSON.stringify(buildOpenApiDocument(createApp())));
}
