import { describe, expect, it } from "vitest";

const sources = import.meta.glob<string>("../../src/**/*.ts", {
  query: "?raw",
  import: "default",
  eager: true,
});

/**
 * The floors of the house, the lowest first. A file may import from its own floor and from those below, types included.
 * A name ending in `/` stands for a folder. A file belongs to the longest name that it begins with.
 */
const FLOORS = [
  "lib/",
  "errors.ts",
  "config.ts",
  "platform/",
  "db/",
  "access/permissions.ts",
  "access/principal.ts",
  "access/credential.ts",
  "access/rule.ts",
  "context.ts",
  "paging.ts",
  "http/",
  "access/",
  "audit/",
  "authentication/attempts/",
  "authentication/one-time-tokens/",
  "outbox/",
  "authentication/sessions/",
  "authentication/introspection/",
  "authentication/passwords/",
  "api-keys/",
  "roles/",
  "accounts/profiles/",
  "accounts/users/",
  "accounts/personal-data/",
  "authentication/verification/",
  "authentication/login/",
  "operations/",
  "cron.ts",
  "app.ts",
  "index.ts",
] as const;

/** What a kind of file must not import, wherever it stands. */
const KINDS = [
  {
    kind: "a repository sees the database alone",
    applies: /(^|\/)repository\.ts$/,
    forbidden: /^(context|paging|errors|config)\.ts$|^(http|platform)\/|\/(routes|schema)\.ts$/,
  },
  {
    kind: "a schema knows neither services nor the platform",
    applies: /\/schema\.ts$/,
    forbidden: /^(context|config)\.ts$|^platform\/|\/routes\.ts$/,
  },
  {
    kind: "nothing but the map of the API imports routes",
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

function floorOf(file: string): number {
  const names = FLOORS.filter((name) =>
    name.endsWith("/") ? file.startsWith(name) : file === name,
  );
  const [longest = ""] = names.toSorted((a, b) => b.length - a.length);
  return FLOORS.indexOf(longest as (typeof FLOORS)[number]);
}

const files = Object.entries(sources).map(
  ([path, text]) => [path.replace("../../src/", ""), text] as const,
);
const imports = files
  .flatMap(([file, text]) => importsOf(file, text))
  .filter(({ to }) => !to.startsWith(".") && !to.endsWith(".json"));

describe("the layout of src", () => {
  it("has a floor for every file, and a file for every floor", () => {
    expect(files.map(([file]) => file).filter((file) => floorOf(file) < 0)).toEqual([]);
    const used = new Set(files.map(([file]) => floorOf(file)));
    expect(FLOORS.filter((_, floor) => !used.has(floor))).toEqual([]);
  });

  it("lets no file import from a floor above its own", () => {
    const upward = imports.filter(({ from, to }) => floorOf(to) > floorOf(from));
    expect(upward.map(({ from, line }) => `${from}: ${line}`)).toEqual([]);
  });

  it.each(KINDS)("$kind", ({ applies, forbidden }) => {
    const wrong = imports.filter(({ from, to }) => applies.test(from) && forbidden.test(to));
    expect(wrong.map(({ from, line }) => `${from}: ${line}`)).toEqual([]);
  });

  it("keeps files under 320 lines", () => {
    const long = files.filter(
      ([file, text]) => text.split("\n").length > 320 && file !== "lib/common-passwords.ts",
    );
    expect(long.map(([file]) => file)).toEqual([]);
  });
});
