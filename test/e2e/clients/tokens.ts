import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from "jose";

/** Signs tokens like those of Roster, of which each part can be wrong, and serves the public keys. */
export interface Issuer {
  url: string;
  /** How often the keys were requested. */
  requests(): number;
  /** Adds a key and signs with it from now on. */
  rotate(): Promise<void>;
  /** Answers requests for keys with this status. */
  fail(status: number): void;
  sign(claims?: object, header?: Partial<JWTHeaderParameters>): Promise<string>;
  close(): Promise<void>;
}

export const AUDIENCE = "roster";

export async function startIssuer(): Promise<Issuer> {
  const keys: JWK[] = [];
  let current: CryptoKey;
  let kid = "";
  let count = 0;
  let status = 200;
  const rotate = async () => {
    const { publicKey, privateKey } = await generateKeyPair("EdDSA");
    kid = crypto.randomUUID();
    current = privateKey;
    keys.unshift({ ...(await exportJWK(publicKey)), kid, alg: "EdDSA", use: "sig" });
  };
  await rotate();
  const server = createServer((_, response) => {
    count++;
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests: () => count,
    rotate,
    fail: (next) => {
      status = next;
    },
    sign: (claims, header) =>
      new SignJWT({ ...claimsOf(url), ...claims })
        .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid, ...header })
        .sign(current),
    close: () => close(server),
  };
}

function claimsOf(url: string) {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: url,
    aud: AUDIENCE,
    sub: "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11",
    sid: "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e12",
    role: "user",
    scope: "invoices:approve",
    iat: now,
    exp: now + 900,
    jti: crypto.randomUUID(),
  };
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
