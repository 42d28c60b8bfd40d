import {
  createUserRow,
  describeNewPerson,
  describeNewUser,
  noAdminYet,
  registered,
  whereRegistrationOpen,
} from "../../accounts/users/create.ts";
import { insertUser, type NewUser } from "../../accounts/users/repository.ts";
import { commit } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { text } from "../../http/fields.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail } from "../../outbox/queue.ts";
import { type IdentityRow, insertIdentity } from "../identities/repository.ts";
import { getProvider } from "../providers/list.ts";
import type { Grant } from "./codes.ts";
import { createIdentityRow, createLinkEvent, unlessTaken } from "./linking.ts";
import type { Found, Opened } from "./look-up.ts";

const Name = text(100);

/**
 * Creates an account for someone whom a provider has logged in, and whose address it vouches for. The account has no password. Its address
 * is verified if the provider is trusted with addresses; otherwise a link confirms it, as for everyone who registers, so that the provider
 * cannot keep the owner of the mailbox out. Throws `registration_closed` and `email_not_verified`. Returns undefined if another request was
 * faster.
 */
export async function registerByProvider(
  ctx: Context,
  grant: Grant,
  { address, usernames }: Found,
): Promise<Opened | undefined> {
  if (!ctx.config.registrationOpen) throw new AppError("registration_closed");
  if (!address || !grant.identity.isEmailVerified) throw notVouchedFor();
  const [username] = usernames;
  if (username === undefined) return undefined;
  const names = splitName(grant.identity.name);
  const row = {
    ...registered(ctx, await createUserRow(ctx, { username, email: address.email, ...names })),
    emailVerified: getProvider(ctx, grant.provider).trustsEmail,
  };
  const identity = createIdentityRow(ctx, grant, row.id);
  const result = await unlessTaken(insertAccount(ctx, row, identity));
  if (!result) return undefined;
  if (result.changed.length === 0) throw noAdminYet();
  deliverSoon(ctx, result.mail);
  return { owner: toOwner(row), identityId: identity.id };
}

function notVouchedFor(): AppError {
  return new AppError("email_not_verified", {
    detail:
      "The login provider does not vouch for an email address of this account. Confirm the address there, or register with a password.",
  });
}

async function insertAccount(ctx: Context, row: NewUser, identity: IdentityRow) {
  const mail = { userId: row.id, kind: "verify_email", address: row.email } as const;
  return commit(ctx, {
    change: insertUser(ctx.db, row, whereRegistrationOpen(ctx)),
    event: await createAuditEvent(ctx, {
      action: "user.created",
      targetType: "user",
      targetId: row.id,
      changes: describeNewUser(row),
      metadata: { provider: identity.provider },
      personal: { of: row, changes: describeNewPerson(row) },
    }),
    furtherEvents: [await createLinkEvent(ctx, identity, row)],
    effects: (recorded) => ({
      linked: insertIdentity(ctx.db, identity, recorded),
      mail: !row.emailVerified && queueMail(ctx, mail, recorded),
    }),
  });
}

// The last word is the family name where there are several: people can change it, and nothing depends on it.
function splitName(name: string | undefined) {
  const words = name?.trim().split(/\s+/) ?? [];
  const last = words.length > 1 ? words.pop() : undefined;
  return { first_name: toName(words.join(" ")), last_name: toName(last) };
}

function toName(text: string | undefined): string | null {
  return Name.safeParse(text).data || null;
}

function toOwner({ id, username, email, emailVerified, dataKey }: NewUser): Opened["owner"] {
  return {
    id,
    username,
    email,
    emailVerified,
    dataKey,
    passwordHash: null,
    passwordVersion: 1,
    passwordExpired: false,
    isActive: true,
    knownDevices: null,
    knownNetworks: null,
    mfaEnabled: false,
  };
}
