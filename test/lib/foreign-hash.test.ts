import { describe, expect, it } from "vitest";
import { parseForeignHash, toStoredHash } from "../../src/lib/foreign-hash/parse.ts";
import { verifyForeignHash } from "../../src/lib/foreign-hash/verify.ts";
import { FIREBASE_ACCOUNT, FIREBASE_PARAMETERS } from "../support/foreign-hashes.ts";
import { derivedIterations } from "../support/setup.ts";

const PASSWORD = "correct horse battery";
const SALT = "MDEyMzQ1Njc4OWFiY2RlZg";
const HASH = "A".repeat(43);

/** Made with OpenSSL, and for bcrypt with libxcrypt. */
const VECTORS: [name: string, password: string, hash: string][] = [
  [
    "PBKDF2-SHA-256, PHC",
    PASSWORD,
    "$pbkdf2-sha256$i=1900$++++////ABEiM0RVZneImQ$IkjR0tYnTz2f/p0ZLt+XZvBUF7/OPCyLrbN/FNQG5l0",
  ],
  [
    "PBKDF2-SHA-256, passlib",
    PASSWORD,
    "$pbkdf2-sha256$1900$....////ABEiM0RVZneImQ$IkjR0tYnTz2f/p0ZLt.XZvBUF7/OPCyLrbN/FNQG5l0",
  ],
  [
    "PBKDF2-SHA-512, passlib",
    PASSWORD,
    "$pbkdf2-sha512$1900$....////ABEiM0RVZneImQ$0BCIVIHYe8/PlQ/G3MvSHHpFrScohbLUElzdwxuIiRTmXB3txZC.6OYoquVB4Sz1.dVbp/WMtBuYIa28ZB99Qg",
  ],
  [
    "PBKDF2-SHA-512 by the library",
    PASSWORD,
    `$pbkdf2-sha512$i=1200$${SALT}$4Iy1G/Gz7SM0FeXY7BzqatdPi/rKGVCKTYRX4GIEnsDp5CV/4fRf0DTjzWGsM3+58QUKgtf/DKP6Hba0eydknA`,
  ],
  [
    "Django",
    PASSWORD,
    "pbkdf2_sha256$1200$Zq3nUzYV8Qk2$m7LGCAx2znicnu5jk5nbNKpsf+kRB+RhsyYlJ78DwQ8=",
  ],
  ["scrypt", PASSWORD, `$scrypt$ln=12,r=8,p=1$${SALT}$1NdiUFsPOMLP4vAV72BPXbc2QAIqjCpT3FqIc76ESZc`],
  [
    "scrypt, 64 bytes, two blocks",
    PASSWORD,
    `$scrypt$ln=10,r=8,p=2$${SALT}$faCG2Y2MU7gpu0yKEJONexUzhBri6oOSfKdyxUHubQ2o7csLMBVm5HsRgd1hsTdLpm63xDT9wkWRm5SX+7o7HQ`,
  ],
  [
    "argon2id",
    PASSWORD,
    `$argon2id$v=19$m=4096,t=3,p=1$${SALT}$rgFXExrcOuMLPnQbIxAJeFwgMLtsl7wEjS/F0FJAHLE`,
  ],
  [
    "argon2id, four lanes",
    PASSWORD,
    `$argon2id$v=19$m=1024,t=2,p=4$${SALT}$F97S9LyfF8y17QFGHCFUpGrkVqj7MW6bR8n2gLHKu5E`,
  ],
  ["bcrypt $2a$", "a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"],
  ["bcrypt $2b$", "a", "$2b$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"],
  ["bcrypt $2y$", "rasmuslerdorf", "$2y$07$BCryptRequires22Chrcte/VlQH0piJtjXl.0t1XkA8pw9dMXTpOq"],
];

describe("a hash that another system made", () => {
  it.each(VECTORS)("matches its password, and no other: %s", async (_, password, hash) => {
    expect(await verifyForeignHash(password, hash)).toBe(true);
    expect(await verifyForeignHash(`${password} `, hash)).toBe(false);
  });

  it.each(VECTORS.filter(([, , hash]) => hash.includes("pbkdf2")))(
    "needs no more iterations of WebCrypto than production takes: %s",
    async (_, password, hash) => {
      expect(await verifyForeignHash(password, hash, 1000)).toBe(true);
      expect(await verifyForeignHash(`${password} `, hash, 1000)).toBe(false);
      expect(derivedIterations).toEqual([]);
    },
  );

  it("of Firebase matches with the parameters of its project, as in github.com/firebase/scrypt", async () => {
    const made = toStoredHash(FIREBASE_ACCOUNT.hash, FIREBASE_PARAMETERS);
    const stored = "stored" in made ? made.stored : "";
    expect(await verifyForeignHash(FIREBASE_ACCOUNT.password, stored)).toBe(true);
    expect(await verifyForeignHash("user1Password", stored)).toBe(false);
  });

  it("matches the password as typed, and normalized", async () => {
    const made = (hash: string) => `$pbkdf2-sha256$i=1000$${SALT}$${hash}`;
    const decomposed = made("FHobyDgPnlFCCTrRP0Fx4l148Ymf3RwTskOgETZrgo4");
    expect(await verifyForeignHash("cafe\u0301 au lait", decomposed)).toBe(true);
    expect(await verifyForeignHash("caf\u00E9 au lait", decomposed)).toBe(false);
    const ligature = made("TcGWi5ticu4rn0NlZkbPZ4FRmEjkDV+CRq61Zo73y0M");
    expect(await verifyForeignHash("\uFB03 secret", ligature)).toBe(true);
  });
});

describe("an imported hash is refused", () => {
  it.each([
    "",
    "secret",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "$pbkdf2-sha256-chain$i=600000,c=100000$AAAAAAAAAAAAAAAAAAAAAA$AAAA",
    `$pbkdf2-sha1$1000$${SALT}$${HASH}`,
    `$pbkdf2-sha256$i=0$${SALT}$${HASH}`,
    `$pbkdf2-sha256$i=1000$${SALT}$AAAA`,
    `$pbkdf2-sha256$i=1000$${SALT}$${HASH}${HASH}`,
    `$pbkdf2-sha256$i=1000$A$${HASH}`,
    "pbkdf2_sha256$1000$$AAAA",
    "bcrypt_sha256$$2b$12$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe",
    "$2x$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe",
    `$argon2i$v=19$m=4096,t=3,p=1$${SALT}$${HASH}`,
    `$argon2id$v=19$m=7,t=3,p=1$${SALT}$${HASH}`,
    `$argon2id$v=19$m=4096,t=0,p=1$${SALT}$${HASH}`,
    `$scrypt$ln=0,r=8,p=1$${SALT}$${HASH}`,
    `$scrypt$ln=14,r=0,p=1$${SALT}$${HASH}`,
  ])("as malformed or unknown: %s", (text) => {
    expect(parseForeignHash(text)).toMatchObject({ fault: { code: "invalid_format" } });
  });

  it.each([
    [`$pbkdf2-sha256$i=1500000$${SALT}$${HASH}`, `$pbkdf2-sha256$i=1500001$${SALT}$${HASH}`],
    [`$pbkdf2-sha512$i=500000$${SALT}$${HASH}`, `$pbkdf2-sha512$i=500001$${SALT}$${HASH}`],
    [`$2b$14$${"a".repeat(53)}`, `$2b$15$${"a".repeat(53)}`],
    [
      `$argon2id$v=19$m=49152,t=4,p=1$${SALT}$${HASH}`,
      `$argon2id$v=19$m=49153,t=1,p=1$${SALT}$${HASH}`,
    ],
    [
      `$argon2id$v=19$m=24576,t=8,p=1$${SALT}$${HASH}`,
      `$argon2id$v=19$m=24576,t=9,p=1$${SALT}$${HASH}`,
    ],
    [`$scrypt$ln=15,r=11,p=1$${SALT}$${HASH}`, `$scrypt$ln=16,r=8,p=1$${SALT}$${HASH}`],
    [`$scrypt$ln=14,r=8,p=16$${SALT}$${HASH}`, `$scrypt$ln=14,r=8,p=17$${SALT}$${HASH}`],
  ])("above the limits of time and memory, but not at them: %s", (allowed, refused) => {
    expect(parseForeignHash(allowed)).not.toHaveProperty("fault");
    expect(parseForeignHash(refused)).toMatchObject({ fault: { code: "too_expensive" } });
  });

  it("if it is of Firebase and comes without the parameters of its project", () => {
    const { fault } = toStoredHash(FIREBASE_ACCOUNT.hash, undefined) as { fault: { code: string } };
    expect(fault.code).toBe("invalid_format");
  });

  it("and matches no password", async () => {
    expect(await verifyForeignHash("", "")).toBe(false);
    expect(await verifyForeignHash("x", `$2b$15$${"a".repeat(53)}`)).toBe(false);
  });
});
