import { findDataKey } from "../../audit/data-keys.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { fromBase64Url, toBase64Url } from "../../lib/bytes.ts";
import { openText, type Person, sealText } from "../../lib/data-key.ts";

/** Encrypts the secret of a factor under its owner's data key. Throws `service_unavailable`. */
export async function sealSecret(
  ctx: Context,
  owner: Person,
  factorId: string,
  secret: Uint8Array,
): Promise<string> {
  return sealText(toBase64Url(secret), await requireDataKey(ctx, owner), toSealContext(factorId));
}

/** Decrypts the secret of a factor. Throws `service_unavailable`. */
export async function openSecret(
  ctx: Context,
  owner: Person,
  { id, secret }: { id: string; secret: string | null },
): Promise<Uint8Array<ArrayBuffer>> {
  const key = await requireDataKey(ctx, owner);
  const text = await openText(secret ?? "", key, toSealContext(id));
  const bytes = text === undefined ? undefined : fromBase64Url(text);
  if (!bytes) throw new Error("a secret that its owner's data key does not open");
  return bytes;
}

// Binds the secret to its factor.
function toSealContext(factorId: string): string {
  return `factor ${factorId}`;
}

async function requireDataKey(ctx: Context, owner: Person): Promise<CryptoKey> {
  const key = await findDataKey(ctx, owner);
  if (key) return key;
  throw new AppError("service_unavailable", {
    detail:
      "The key that protects the secrets of this account is missing. Use another method, or ask the operator of the service to restore it.",
  });
}
