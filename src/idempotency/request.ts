import type { Context, IdempotentRequest } from "../context.ts";
import { toSubscriber } from "../lib/address.ts";
import { openText, sealText } from "../lib/data-key.ts";
import { computeMac, computeMacText } from "../lib/mac.ts";

const ID_BYTES = 24;

/** A request with an `Idempotency-Key`, before its answer is looked up. */
export type KeyedRequest = Pick<IdempotentRequest, "key" | "operation" | "content">;

/** The answer to a request, as it is stored. */
export interface StoredAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/**
 * The records of a request: one id per MAC key, so that a repetition finds its record after a rotation. The first is for new
 * records.
 */
export function identifyRequest(ctx: Context, request: KeyedRequest): Promise<string[]> {
  const name = JSON.stringify([request.operation, principalOf(ctx), request.key]);
  return Promise.all(
    ctx.config.macKeys.map((key) => computeMacText(key, "idempotency key v1", name, ID_BYTES)),
  );
}

/** Encrypts an answer so that only a repetition of the request can decrypt it: the key is derived from the whole request. */
export async function sealAnswer(
  ctx: Context,
  request: KeyedRequest,
  id: string,
  answer: StoredAnswer,
): Promise<string> {
  const [macKey] = ctx.config.macKeys;
  const key = await deriveKey(ctx, request, macKey);
  return sealText(JSON.stringify(answer), key, `answer ${id}`);
}

/** Decrypts an answer that was sealed under the id at `index`. Returns undefined if the request is not the same. */
export async function openAnswer(
  ctx: Context,
  request: KeyedRequest,
  { id, index, sealedAnswer }: { id: string; index: number; sealedAnswer: string },
): Promise<StoredAnswer | undefined> {
  const key = await deriveKey(ctx, request, ctx.config.macKeys[index]);
  const text = await openText(sealedAnswer, key, `answer ${id}`);
  return text === undefined ? undefined : (JSON.parse(text) as StoredAnswer);
}

// HMAC as a pseudorandom function (NIST SP 800-108). Without the client's key, neither the database nor the secrets of the service
// are sufficient to derive it. No digest of the body is stored, because bodies contain passwords.
async function deriveKey(
  ctx: Context,
  { operation, key, content }: KeyedRequest,
  macKey: CryptoKey | undefined,
): Promise<CryptoKey> {
  if (!macKey) throw new Error("no MAC key");
  const message = JSON.stringify([operation, principalOf(ctx), key, ...content]);
  const bytes = await computeMac(macKey, "idempotency answer v1", message);
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

// Without a credential, the client's address as rate limits count it. An API key that is rotated becomes another principal.
function principalOf({ access, client }: Context): string {
  const credential = access?.credential;
  if (credential?.type === "session") return `user ${credential.userId}`;
  if (credential) return `api_key ${credential.secretHash}`;
  return `address ${toSubscriber(client.ip ?? "unknown")}`;
}
