import { describe, expect, it } from "vitest";

const sources = import.meta.glob<string>("../../src/**/*.ts", {
  query: "?raw",
  import: "default",
  eager: true,
});

/**
 * The layers of src, lowest first. A file may import from its own layer and from those below, types included.
 * A name that ends with `/` is a folder. A file belongs to the longest name that its path starts with.
 */
const LAYERS = [
  "lib/",
  "errors.ts",
  "settings.ts",
  "config.ts",
  "platform/",
  "db/",
  "access/assurance.ts",
  "access/permissions.ts",
  "access/principal.ts",
  "access/credential.ts",
  "access/rule.ts",
  "context.ts",
  "paging.ts",
  "http/",
  "idempotency/",
  "access/",
  "audit/",
  "authentication/attempts/",
  "authentication/one-time-tokens/",
  "authentication/spent-tokens/",
  "authentication/providers/",
  "outbox/",
  "authentication/sessions/",
  "authentication/introspection/",
  "authentication/factors/repository.ts",
  "authentication/login-methods/",
  "authentication/identities/",
  "authentication/first-proof/",
  "authentication/passwords/",
  "authentication/passkeys/",
  "authentication/factors/",
  "authentication/step-up/",
  "roles/permissions/",
  "api-keys/",
  "roles/",
  "accounts/profiles/",
  "accounts/users/",
  "accounts/bulk/",
  "accounts/import/",
  "accounts/list-export/",
  "accounts/personal-data/",
  "authentication/verification/",
  "authentication/credentials/",
  "authentication/login/",
  "authentication/email-login/",
  "authentication/mfa/",
  "authentication/provider-login/",
  "analytics/",
  "operations/",
  "pages/",
  "cron.ts",
  "app.ts",
  "index.ts",
] as const;

/** Imports that a kind of file must not have, whatever its layer. */
const KINDS = [
  {
    kind: "a repository sees only the database",
    applies: /(^|\/)repository\.ts$/,
    forbidden:
      /^(context|paging|errors|config|settings)\.ts$|^(http|platform)\/|\/(routes|schema)\.ts$/,
  },
  {
    kind: "a schema imports neither services nor the platform",
    applies: /\/schema\.ts$/,
    forbidden: /^(context|config|settings)\.ts$|^platform\/|\/routes\.ts$/,
  },
  {
    kind: "only app.ts imports routes",
    applies: /^(?!app\.ts$)/,
    forbidden: /\/routes\.ts$/,
  },
];

interface Import {
  from: string;
  to: string;
  line: string;
}

function importsOf(file: string, text: string): Import[] {
  const folder = file.split("/").slice(0, -1);
  return [...text.matchAll(/^.*from "(\.[^"]+)";$/gm)].map(([line, specifier = ""]) => ({
    from: file,
    to: resolve(folder, specifier),
    line: line.trim(),
  }));
}

function resolve(folder: readonly string[], specifier: string): string {
  const parts = [...folder];
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function layerOf(file: string): number {
  const names = LAYERS.filter((name) =>
    name.endsWith("/") ? file.startsWith(name) : file === name,
  );
  const [longest = ""] = names.toSorted((a, b) => b.length - a.length);
  return LAYERS.indexOf(longest as (typeof LAYERS)[number]);
}

const files = Object.entries(sources).map(
  ([path, text]) => [path.replace("../../src/", ""), text] as const,
);
const imports = files
  .flatMap(([file, text]) => importsOf(file, text))
  .filter(({ to }) => !to.startsWith(".") && !to.endsWith(".json"));

describe("the layout of src", () => {
  it("assigns every file to a layer, and every layer has a file", () => {
    expect(files.map(([file]) => file).filter((file) => layerOf(file) < 0)).toEqual([]);
    const used = new Set(files.map(([file]) => layerOf(file)));
    expect(LAYERS.filter((_, layer) => !used.has(layer))).toEqual([]);
  });

  it("has no import from a higher layer", () => {
    const upward = imports.filter(({ from, to }) => layerOf(to) > layerOf(from));
    expect(upward.map(({ from, line }) => `${from}: ${line}`)).toEqual([]);
  });

  it.each(KINDS)("$kind", ({ applies, forbidden }) => {
    const wrong = imports.filter(({ from, to }) => applies.test(from) && forbidden.test(to));
    expect(wrong.map(({ from, line }) => `${from}: ${line}`)).toEqual([]);
  });

  it("keeps files under 320 lines, except for tables", () => {
    const tables = ["lib/common-passwords.ts", "errors.ts"];
    const long = files.filter(
      ([file, text]) => text.split("\n").length > 320 && !tables.includes(file),
    );
    expect(long.map(([file]) => file)).toEqual([]);
  });
});
