// Ceremonies of WebAuthn in the browser. The library is loaded only when a passkey is used.

type PublicKey = Record<string, unknown>;

/** Asks the browser for an assertion with a passkey. Throws what the browser throws, such as NotAllowedError. */
export async function assertWithPasskey(publicKey: unknown): Promise<PublicKey> {
  const { startAuthentication } = await import("@simplewebauthn/browser");
  return (await startAuthentication({ optionsJSON: publicKey as never })) as unknown as PublicKey;
}
