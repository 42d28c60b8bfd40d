import { importMacKeys } from "../../src/lib/jwk.ts";
import { jwkSet, octJwk } from "../support/tokens.ts";

export async function macKeys(...names: ("A" | "B")[]): Promise<CryptoKey[]> {
  const keys = names.map((name) => octJwk(name, name.charCodeAt(0)));
  return [...(await importMacKeys(jwkSet(...keys))).values()];
}
