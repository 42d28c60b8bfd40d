import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

/** The last migration of 0.1.0, the first release. From it on, each release must run on the schema of the next. */
const LAST_OF_FIRST_RELEASE = "0020_email_login_owner.sql";

/** What the worker of the release before would miss, or could not write any more. */
const CONTRACTING: readonly [string, RegExp][] = [
  ["drops a table", /\bDROP\s+TABLE\b/i],
  ["drops a column", /\bDROP\s+(COLUMN\s+)?[`"[]?\w+[`"\]]?\s*$/i],
  ["renames a table or a column", /\bRENAME\b/i],
  ["adds a required column without a default", /\bADD\b(?!.*\bDEFAULT\b).*\bNOT\s+NULL\b/i],
];

/** What a statement would do to the release before, apart from its indexes and triggers, which no statement names. */
function describeContraction(statement: string): string | undefined {
  const sql = statement.replaceAll(/^\s*--.*$/gm, "").trim();
  if (/^(DROP|CREATE)\s+(UNIQUE\s+)?(INDEX|TRIGGER)\b/i.test(sql)) return undefined;
  if (!/^(ALTER|DROP)\b/i.test(sql)) return undefined;
  return CONTRACTING.find(([, form]) => form.test(sql.replace(/;$/, "")))?.[0];
}

describe("a migration after the first release", () => {
  it("neither drops nor renames what the release before uses", () => {
    const later = env.TEST_MIGRATIONS.filter(({ name }) => name > LAST_OF_FIRST_RELEASE);
    expect(later.length).toBeGreaterThan(0);
    const found = later.flatMap(({ name, queries }) =>
      queries.map((query) => [name, describeContraction(query)]).filter(([, what]) => what),
    );
    expect(found).toEqual([]);
  });

  it.each([
    ["DROP TABLE `users`;", "drops a table"],
    ["ALTER TABLE `users` DROP COLUMN `email`;", "drops a column"],
    ["ALTER TABLE users DROP email", "drops a column"],
    ["ALTER TABLE `users` RENAME COLUMN `email` TO `mail`;", "renames a table or a column"],
    ["ALTER TABLE `__new_users` RENAME TO `users`;", "renames a table or a column"],
    ["ALTER TABLE `users` ADD `day` integer NOT NULL;", "adds a required column without a default"],
    ["ALTER TABLE `users` ADD `day` integer DEFAULT 0 NOT NULL;", undefined],
    ["-- Not needed.\nDROP INDEX `users_email`;", undefined],
    ["ALTER TABLE `users` ADD `day` integer;", undefined],
  ])("%s is judged", (statement, expected) => {
    expect(describeContraction(statement)).toBe(expected);
  });
});
