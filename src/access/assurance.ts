/**
 * Authentication methods, by their names in `amr` (RFC 8176; `email`, `fed` and `recovery` are Roster's own): a password, a
 * one-time code of an authenticator app, a passkey bound to a device (`hwk`) or synced between devices (`swk`), the authenticator's
 * own check of the user (`user`), a recovery code, a mailbox, and an identity provider.
 */
const METHODS = ["pwd", "otp", "hwk", "swk", "user", "recovery", "email", "fed"] as const;
type Method = (typeof METHODS)[number];

/** When a user was last authenticated with each method, in milliseconds. */
export type Proofs = Readonly<Partial<Record<Method, number>>>;

/** Authentication assurance: `aal2` needs methods of two classes, or a passkey that has checked the user. */
export type AssuranceLevel = "aal1" | "aal2";

/** What a set of proofs amounts to. */
export interface Assurance {
  /** The time of the latest proof, in milliseconds. */
  authTime: number;
  acr: AssuranceLevel;
  /** The methods, and `mfa` if there is more than one factor (RFC 8176 section 2). */
  amr: (Method | "mfa")[];
}

/** Methods of the same class do not add up. `user` has none: it counts together with the passkey that it came with. */
const CLASSES: Readonly<Partial<Record<Method, string>>> = {
  pwd: "knowledge",
  otp: "possession",
  hwk: "possession",
  swk: "possession",
  recovery: "possession",
  email: "mailbox",
  fed: "federation",
};

/** The assurance of the proofs that are at least as recent as `since`; undefined if there is none. */
export function assess(proofs: Proofs, since = 0): Assurance | undefined {
  const fresh = METHODS.filter((method) => (proofs[method] ?? -1) >= since);
  const classes = new Set(fresh.flatMap((method) => CLASSES[method] ?? []));
  if (classes.size === 0) return undefined;
  const hasPasskey = fresh.includes("hwk") || fresh.includes("swk");
  const isStrong = classes.size > 1 || (hasPasskey && fresh.includes("user"));
  return {
    authTime: Math.max(...fresh.map((method) => proofs[method] ?? 0)),
    acr: isStrong ? "aal2" : "aal1",
    amr: isStrong ? [...fresh, "mfa"] : fresh,
  };
}
