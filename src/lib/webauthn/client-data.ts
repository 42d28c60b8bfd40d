import { z } from "zod";
import { fromBase64Url } from "../bytes.ts";
import type { MintedChallenge } from "./challenge.ts";
import { refuse, type Verdict } from "./verdict.ts";

/** What the relying party expects of a ceremony, whichever it is. */
export interface Expectations {
  /** `verifyChallenge` for the purpose and the person. Never compare the challenge with one from the same request. */
  verifyChallenge: (challenge: string) => Promise<Verdict<MintedChallenge>>;
  /** All origins that may use our credentials, compared exactly: `https://example.com`, `android:apk-key-hash:…`. */
  origins: readonly string[];
  /** The domain that credentials belong to (WebAuthn section 5.1.2). */
  rpId: string;
  requireUserVerification: boolean;
}

export interface ClientData {
  /** The bytes that are signed. */
  bytes: Uint8Array<ArrayBuffer>;
  type: string;
  challenge: string;
  origin: string;
  isCrossOrigin: boolean;
}

const CollectedClientData = z.object({
  type: z.string(),
  challenge: z.string(),
  origin: z.string(),
  crossOrigin: z.boolean().optional(),
  topOrigin: z.unknown().optional(),
});

/** The client data of a credential (WebAuthn section 5.8.1), or undefined if the text is not base64url of such JSON. */
export function readClientData(clientDataJSON: string): ClientData | undefined {
  const bytes = fromBase64Url(clientDataJSON);
  if (!bytes) return undefined;
  const parsed = CollectedClientData.safeParse(parseJson(bytes));
  if (!parsed.success) return undefined;
  const { type, challenge, origin, crossOrigin, topOrigin } = parsed.data;
  const isCrossOrigin = crossOrigin === true || topOrigin !== undefined;
  return { bytes, type, challenge, origin, isCrossOrigin };
}

/** Checks what the client states of a ceremony (WebAuthn sections 7.1 and 7.2), and returns its challenge. */
export async function examineClientData(
  clientData: ClientData,
  type: "webauthn.create" | "webauthn.get",
  { verifyChallenge, origins }: Expectations,
): Promise<Verdict<MintedChallenge>> {
  if (clientData.type !== type) return refuse("wrong_type");
  if (!origins.includes(clientData.origin)) return refuse("wrong_origin");
  if (clientData.isCrossOrigin) return refuse("cross_origin");
  return verifyChallenge(clientData.challenge);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch {
    return undefined;
  }
}
