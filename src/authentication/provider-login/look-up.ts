import type { Context } from "../../context.ts";
import type { Statements } from "../../db/connection.ts";
import { AppError } from "../../errors.ts";
import { Email } from "../../http/identifiers.ts";
import { toComparisonKey } from "../../lib/text.ts";
import { countIdentities, findIdentity, selectIdentityOwner } from "../identities/repository.ts";
import { recordRefusal } from "../login/refusals.ts";
import { findLoginUser, type LoginUser } from "../passwords/repository.ts";
import type { Grant } from "./codes.ts";
import { listTakenUsernames, selectHolder } from "./repository.ts";
import { listUsernames } from "./usernames.ts";

/** Whose account a login opens, and by which identity. */
export interface Opened {
  owner: LoginUser;
  identityId: string;
}

/** What D1 knows of someone whom a provider has logged in. */
export interface Found {
  /** The identity, if their account at the provider is linked. */
  identity: { id: string } | undefined;
  /** Its user, unless they are deleted. */
  owner: LoginUser | undefined;
  /** The address that the provider named, if the email rules accept it. */
  address: { email: string; key: string } | undefined;
  /** The user with this address, and how many identities they have. */
  holder: LoginUser | undefined;
  holderIdentities: number;
  /** Usernames for a new account, the nicest first, that nobody has. */
  usernames: readonly string[];
}

/** Looks up whom a login at a provider concerns. Other statements, by name, come first in the same round trip. */
export async function lookUp(ctx: Context, { identity }: Grant, statements: Statements) {
  const { db } = ctx;
  const address = readAddress(identity.email);
  const usernames = listUsernames(address?.email, identity.name);
  const key = address?.key ?? "";
  const { identities, owners, holders, counts, taken, ...rows } = await ctx.d1.send({
    ...statements,
    identities: findIdentity(db, identity),
    owners: findLoginUser(db, { kind: "id", key: selectIdentityOwner(identity) }),
    holders: address !== undefined && findLoginUser(db, { kind: "email", key }),
    counts: address !== undefined && countIdentities(db, selectHolder(key)),
    taken: listTakenUsernames(db, usernames.map(toComparisonKey)),
  });
  const takenKeys = taken.map((one) => one.key);
  const found: Found = {
    identity: identities[0],
    owner: owners[0],
    address,
    holder: holders[0],
    holderIdentities: counts[0]?.total ?? 0,
    usernames: usernames.filter((name) => !takenKeys.includes(toComparisonKey(name))),
  };
  return { found, rows: rows as Record<string, unknown[]> };
}

// As if the person had typed it: what the email rules refuse is no address.
function readAddress(text: string | undefined): Found["address"] {
  const { data: email } = Email.safeParse(text);
  return email === undefined ? undefined : { email, key: toComparisonKey(email) };
}

/** Throws `invalid_credentials` for an account that is inactive, and tells its owner in the audit trail. */
export async function requireActive(ctx: Context, owner: LoginUser): Promise<void> {
  if (owner.isActive) return;
  await recordRefusal(ctx, owner, "user_inactive");
  throw new AppError("invalid_credentials");
}
