import type { SQL } from "drizzle-orm";
import { revokeApiKeysOfUser } from "../../access/repository.ts";
import { commit } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { NewAuditEvent } from "../../audit/repository.ts";
import type { Context } from "../../context.ts";
import type { Statements } from "../../db/connection.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail, voidLinks } from "../../outbox/queue.ts";
import { deleteFactorsOfUser, updateMfaEnabled } from "../factors/repository.ts";
import { deleteIdentitiesOfUser } from "../identities/repository.ts";
import { TOKEN_PURPOSES } from "../one-time-tokens/tokens.ts";
import { cacheEndedSessions } from "../sessions/cache.ts";
import { revokeSessions } from "../sessions/repository.ts";
import { findUnproven, verifyAndRemovePassword } from "./repository.ts";

/** An account whose address nobody has proven. */
interface UnprovenOwner {
  id: string;
  email: string;
  emailKey: string;
  dataKey: string | null;
}

/** How the address is proven: by a link or code to log in, by a reset or an invitation, or by what a trusted provider says. */
type ProofReason = "email_login" | "reset_password" | "invitation" | "provider";

/**
 * What the first proof of an account's address entails. Whoever proves it owns the mailbox; everything that was set up before may be that
 * of a stranger who registered the address.
 *
 * `event` says that the address is verified, and in its metadata what is removed. `voidUnproven` ends and removes all of it, except the
 * password, which the change replaces or removes. `notice` tells the owner; undefined if there was nothing to remove.
 */
export async function planFirstProof(
  ctx: Context,
  { id: userId, email, dataKey }: Omit<UnprovenOwner, "emailKey">,
  reason: ProofReason,
) {
  const { found } = await ctx.d1.send({ found: findUnproven(ctx.db, userId, ctx.now()) });
  const removed = Object.entries(found[0] ?? {}).flatMap(([name, exists]) =>
    exists ? [name] : [],
  );
  const event = await createAuditEvent(ctx, {
    action: "email.verified",
    targetType: "user",
    targetId: userId,
    metadata: { reason, removed },
    origin: { id: userId, dataKey },
  });
  // The email has the id of the event, in which it finds what was removed.
  const notice = { id: event.id, userId, kind: "address_proven", address: email } as const;
  return {
    event,
    notice: removed.length > 0 ? notice : undefined,
    voidUnproven: (recorded: SQL) => voidUnproven(ctx, userId, recorded),
  };
}

function voidUnproven(ctx: Context, userId: string, recorded: SQL) {
  const { db } = ctx;
  const now = ctx.now();
  return {
    ended: revokeSessions(db, { userId }, { reason: "address_proven", now }, recorded),
    endedKeys: revokeApiKeysOfUser(db, userId, now, recorded),
    ...deleteFactorsOfUser(db, userId, recorded),
    withoutMfa: updateMfaEnabled(db, userId, now, recorded),
    unlinked: deleteIdentitiesOfUser(db, userId, recorded),
    // A change of email, too: it would move the account to the stranger's address.
    ...voidLinks(ctx, userId, TOKEN_PURPOSES, recorded),
  };
}

interface FirstProof<T extends Statements> {
  reason: ProofReason;
  /** True while the proof holds. */
  whereProven: SQL;
  /** Creates further events, which follow that of the proof. */
  follow?: () => Promise<readonly NewAuditEvent[]>;
  /** What uses the proof up, or follows from it. Runs after everything of before was removed. */
  effects?: (recorded: SQL) => T;
}

/** What the first proof changes of an owner. */
interface Proven {
  emailVerified: boolean;
  mfaEnabled: boolean;
  passwordHash: string | null;
  passwordVersion: number;
  passwordExpired: boolean;
}

/**
 * Verifies the address of an account for the first time, voids everything that was set up before, and tells the owner, in one
 * transaction. Returns the owner as they are now; undefined if the proof no longer holds or the address is verified already.
 */
export async function proveAddress<O extends UnprovenOwner, const T extends Statements>(
  ctx: Context,
  owner: O,
  { reason, whereProven, follow, effects }: FirstProof<T>,
): Promise<(O & Proven) | undefined> {
  const { event, notice, voidUnproven } = await planFirstProof(ctx, owner, reason);
  const { id: userId, emailKey } = owner;
  const furtherEvents = (await follow?.()) ?? [];
  const { changed, ended, notified } = await commit(ctx, {
    change: verifyAndRemovePassword(ctx.db, { userId, emailKey, now: ctx.now() }, whereProven),
    event,
    furtherEvents,
    effects: (recorded) => ({
      ...voidUnproven(recorded),
      notified: notice !== undefined && queueMail(ctx, notice, recorded),
      ...effects?.(recorded),
    }),
  });
  cacheEndedSessions(ctx, ended);
  deliverSoon(ctx, notified);
  const [{ passwordVersion } = { passwordVersion: undefined }] = changed;
  if (passwordVersion === undefined) return undefined;
  const without = { mfaEnabled: false, passwordHash: null, passwordExpired: false };
  return { ...owner, ...without, emailVerified: true, passwordVersion };
}
