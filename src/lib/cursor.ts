import { openSignedJson, signJson } from "./signed-json.ts";

/**
 * Signs a position in a list as an opaque, tamper-evident cursor. `scope` identifies the list, its filters and its order; a cursor
 * is valid only for its own scope.
 */
export async function sealCursor(
  position: readonly (string | number | null)[],
  scope: string,
  keys: readonly CryptoKey[],
): Promise<string> {
  return signJson(position, toLabel(scope), keys);
}

/** The position that one of the keys sealed for this scope, or undefined. */
export async function openCursor(
  text: string,
  scope: string,
  keys: readonly CryptoKey[],
): Promise<unknown[] | undefined> {
  return (await openSignedJson(text, toLabel(scope), keys)) as unknown[] | undefined;
}

function toLabel(scope: string): string {
  return `cursor v1\n${scope}`;
}
