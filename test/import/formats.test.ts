import { describe, expect, it } from "vitest";
import { findFormat } from "../../scripts/lib/import-formats.ts";
import { toStoredHash } from "../../src/lib/foreign-hash/parse.ts";
import { verifyForeignHash } from "../../src/lib/foreign-hash/verify.ts";

/** Passwords as Django stores them. The hash of scrypt is that of Django's own tests. */
const DJANGO = [
  [
    "lètmein",
    "scrypt$16384$seasalt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXFRkdVCBhhY8mx7rQwite/Pw==",
  ],
  ["a", "bcrypt$$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"],
] as const;

describe("an import --from django", () => {
  it.each(DJANGO)("converts password hashes: %s, %s", async (password, stored) => {
    const row = findFormat("django")({ fields: { email: "a@b.example", password: stored } });
    const hash = String(row.password_hash);
    expect(toStoredHash(hash, undefined)).toEqual({ stored: hash });
    expect(await verifyForeignHash(password, hash)).toBe(true);
  });
});

describe("an import --from supabase", () => {
  it.each([
    ["2019-03-01 08:00:00.123456+00", "2019-03-01T08:00:00.123Z"],
    ["99999999999999999999", undefined],
    ["never", undefined],
  ])("converts times, and leaves out what is none: %s", (created_at, time) => {
    expect(findFormat("supabase")({ email: "a@b.example", created_at }).created_at).toBe(time);
  });
});
