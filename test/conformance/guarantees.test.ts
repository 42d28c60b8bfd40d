import { describe, expect, it } from "vitest";
import table from "../../docs/results/guarantees.md?raw";
import security from "../../docs/run/security.md?raw";
import { findLineFaults, renderGuarantees } from "../../scripts/lib/guarantees.ts";
import { SECTIONS } from "../guarantees/sections.ts";

const tests = import.meta.glob<string>("../**/*.test.ts", {
  query: "?raw",
  import: "default",
  eager: true,
});
const scripts = import.meta.glob<string>("../e2e/**/*.ts", {
  query: "?raw",
  import: "default",
  eager: true,
});

const sources = Object.fromEntries(
  Object.entries({ ...tests, ...scripts }).map(([path, source]) => {
    const file = path.replace(/^\.\//, "conformance/").replace(/^\.\.\//, "");
    return [file.replace(/(\.test)?\.ts$/, ""), source];
  }),
);

const lines = SECTIONS.flatMap((section) => section.lines);

describe("the guarantees", () => {
  it("have tests that exist and are named after them", () => {
    expect(lines.length).toBeGreaterThan(150);
    expect(lines.flatMap((line) => findLineFaults(line, sources))).toEqual([]);
  });

  it("have an id and a promise of their own", () => {
    expect(new Set(lines.map(([id]) => id)).size).toBe(lines.length);
    expect(new Set(lines.map(([id, promise]) => `${id.split("-")[0]} ${promise}`)).size).toBe(
      lines.length,
    );
  });

  it("that have no test are in docs/run/security.md, with the reason", () => {
    const [, section = ""] = security.split("\n## What is not tested, and why\n");
    const [reasons = ""] = section.split("\n## ");
    const untested = lines.filter(([, , , ...tests]) => tests.length === 0);
    for (const [id, promise] of untested) expect(reasons, id).toContain(`**${promise}.**`);
    expect(reasons.match(/^- \*\*/gm)?.length ?? 0).toBe(untested.length);
  });

  it("are the table in docs/results/guarantees.md; if not, run `npm run docs:guarantees`", () => {
    expect(table).toBe(renderGuarantees(SECTIONS));
  });
});

describe("the check of the guarantees", () => {
  const block = (call: string, name: string, ...lines: string[]) => [
    `${call}("${name}", () => {`,
    ...lines.map((line) => `  ${line}`),
    "});",
  ];
  const test = (name: string) => `it("${name}", () => {});`;
  const source = block("describe", "a", test("b %s")).join("\n");
  const check = (words: string, name: string, one = source) =>
    findLineFaults(["x-1", "A promise", words, name], { one });

  it("finds a test that is missing, has another name or another case", () => {
    expect(check("b", "one: b %s")).toEqual([]);
    expect(check("a, b", "one: a > b %s")).toEqual([]);
    for (const name of ["two: b %s", "one: c", "one: b", "one: x > b %s", "one: b %s «z»"]) {
      expect(check("b", name)).toContain(`x-1: no such test: ${name}`);
    }
  });

  it.each(["skip", "todo"])("finds a test that does not run, because of %s", (modifier) => {
    const sources = [
      block("describe", "a", ...block(`it.${modifier}`, "c")),
      block(`describe.${modifier}`, "a", test("c")),
      block(`describe.${modifier}`, "a", ...block("describe", "b", test("c"))),
    ];
    for (const lines of sources) {
      expect(check("c", "one: c", lines.join("\n"))).toContain("x-1: no such test: one: c");
    }
    const after = [...block(`describe.${modifier}`, "a", test("b")), test("c")];
    expect(check("c", "one: c", after.join("\n"))).toEqual([]);
  });

  it("finds a line whose words no test has", () => {
    expect(check("d", "one: b %s")).toEqual(['x-1: no test is named after "d"']);
  });
});
