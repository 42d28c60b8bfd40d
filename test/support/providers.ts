import { env } from "cloudflare:workers";
import { base64url, exportJWK, generateKeyPair, type JWK, jwtVerify } from "jose";
import { expect, vi } from "vitest";

/** Where the application of the tests gets the result of a login. */
export const REDIRECT_URI = "https://app.example/login";
/** The challenge of the application's own PKCE verifier. */
export const CODE_CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/** The tenants of Microsoft: the one that the settings name, and another. */
export const TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47";
export const OTHER_TENANT = "11111111-2222-4333-8444-555555555555";

const APPLE_KEY = await generateKeyPair("ES256", { extractable: true });
const APPLE_PEM = await toPem(APPLE_KEY.privateKey);

async function toPem(key: CryptoKey): Promise<string> {
  const bytes = new Uint8Array((await crypto.subtle.exportKey("pkcs8", key)) as ArrayBuffer);
  return `-----BEGIN PRIVATE KEY-----\n${btoa(String.fromCharCode(...bytes))}\n-----END PRIVATE KEY-----`;
}

const SECRET = "a client secret of the tests";

/** One provider of each kind, as PROVIDERS describes them. */
export const ENTRIES = {
  idp: { id: "idp", name: "Acme ID", issuer: "https://idp.example", client_id: "roster-idp" },
  google: { id: "google", name: "Google", preset: "google", client_id: "roster-google" },
  github: { id: "github", name: "GitHub", preset: "github", client_id: "roster-github" },
  microsoft: {
    id: "microsoft",
    name: "Microsoft",
    preset: "microsoft",
    tenant: "common",
    client_id: "roster-microsoft",
  },
  apple: {
    id: "apple",
    name: "Apple",
    preset: "apple",
    client_id: "com.example.roster",
    team_id: "TEAM123456",
    key_id: "ABC123DEFG",
  },
} as const;

export type ProviderId = keyof typeof ENTRIES;

/** Settings with one provider of each kind, changed by `changes`. */
export function providerSettings(
  changes: Partial<Record<ProviderId, object>> = {},
): Record<string, string> {
  const entries = Object.values(ENTRIES).map((entry) => ({ ...entry, ...changes[entry.id] }));
  const secrets = Object.keys(ENTRIES).map((id) => [`PROVIDER_${id.toUpperCase()}_SECRET`, SECRET]);
  return {
    PROVIDERS: JSON.stringify(entries),
    LOGIN_REDIRECT_URIS: `${REDIRECT_URI},com.example.app:/login,http://127.0.0.1/login`,
    ...Object.fromEntries(secrets),
    PROVIDER_APPLE_SECRET: APPLE_PEM,
  };
}

const MICROSOFT = "https://login.microsoftonline.com";

const METADATA = {
  idp: {
    issuer: "https://idp.example",
    authorization_endpoint: "https://idp.example/authorize",
    token_endpoint: "https://idp.example/token",
    jwks_uri: "https://idp.example/keys",
    userinfo_endpoint: "https://idp.example/userinfo",
    authorization_response_iss_parameter_supported: true,
    id_token_signing_alg_values_supported: ["RS256", "HS256", "none"],
  },
  google: {
    issuer: "https://accounts.google.com",
    authorization_endpoint: "https://accounts.google.com/o/oauth2/v2/auth",
    token_endpoint: "https://oauth2.googleapis.com/token",
    jwks_uri: "https://www.googleapis.com/oauth2/v3/certs",
    userinfo_endpoint: "https://openidconnect.googleapis.com/v1/userinfo",
    id_token_signing_alg_values_supported: ["RS256"],
    token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
  },
  microsoft: {
    issuer: `${MICROSOFT}/{tenantid}/v2.0`,
    authorization_endpoint: `${MICROSOFT}/common/oauth2/v2.0/authorize`,
    token_endpoint: `${MICROSOFT}/common/oauth2/v2.0/token`,
    jwks_uri: `${MICROSOFT}/common/discovery/v2.0/keys`,
    userinfo_endpoint: "https://graph.microsoft.com/oidc/userinfo",
    id_token_signing_alg_values_supported: ["RS256"],
    token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt"],
  },
  apple: {
    issuer: "https://appleid.apple.com",
    authorization_endpoint: "https://appleid.apple.com/auth/authorize",
    token_endpoint: "https://appleid.apple.com/auth/token",
    jwks_uri: "https://appleid.apple.com/auth/keys",
    id_token_signing_alg_values_supported: ["RS256"],
    token_endpoint_auth_methods_supported: ["client_secret_post"],
  },
} as const;

/** What the person's ID token says beside what every token does. */
const CLAIMS: Record<Exclude<ProviderId, "github">, object> = {
  idp: { sub: "ada-1", email: "ada@example.com", email_verified: true, name: "Ada Lovelace" },
  google: {
    sub: "110169484474386276334",
    azp: ENTRIES.google.client_id,
    email: "ada@example.com",
    email_verified: true,
    name: "Ada Lovelace",
  },
  microsoft: {
    sub: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
    iss: `${MICROSOFT}/${TENANT}/v2.0`,
    tid: TENANT,
    oid: "00000000-0000-0000-66f3-3332eca7ea81",
    ver: "2.0",
    email: "ada@example.com",
    name: "Ada Lovelace",
  },
  apple: {
    sub: "001999.b6b8a1c5b8c34e5cbb8e1f9a6f8f5d6a.1234",
    email: "ada@example.com",
    email_verified: "true",
    is_private_email: "false",
    nonce_supported: true,
  },
};

/** How a login at a provider differs from one that succeeds. */
export interface Deviation {
  /** Claims of the ID token to replace, or to remove if they are undefined. */
  claims?: Readonly<Record<string, unknown>>;
  header?: Readonly<Record<string, unknown>>;
  /** Signs the token by another key, or not at all. */
  sign?: (header: object, claims: object) => Promise<string>;
}

interface Grant extends Deviation {
  provider: ProviderId;
  request: URLSearchParams;
}

const RSA = await generateKeyPair("RS256", { extractable: true });
/** The `kid` of the key that signs ID tokens. */
export const KEY_ID = "key-1";

/** Answers a request to a provider. */
export type Respond = (request: Request) => Response | Promise<Response>;

/**
 * Fakes of the providers, with the addresses and shapes of their documentation, for one test. They check what Roster sends as the
 * real ones do.
 */
export async function fakeProviders() {
  const { keys } = await env.KV.list({ prefix: "provider:" });
  await Promise.all(keys.map(({ name }) => env.KV.delete(name)));
  const jwk: JWK = { ...(await exportJWK(RSA.publicKey)), kid: KEY_ID, use: "sig", alg: "RS256" };
  const fake = {
    /** Requests that Roster has sent, as method and address. */
    requests: [] as string[],
    /** The tokens that the token endpoints have issued. */
    idTokens: [] as string[],
    keys: [jwk] as JWK[],
    metadata: structuredClone(METADATA) as unknown as Record<string, Record<string, unknown>>,
    /** What GitHub's API says. */
    github: {
      user: { id: 583231, login: "ada", name: "Ada Lovelace", email: null } as object,
      emails: [
        { email: "public@example.com", primary: false, verified: true, visibility: "public" },
        { email: "ada@example.com", primary: true, verified: true, visibility: "private" },
      ] as object[],
    },
    userinfo: {} as object,
    /** Answers in the place of the fakes, by the address. */
    overrides: new Map<string, Respond>(),
    /** Lets the person log in at the address that Roster returned: what the provider sends to the callback. */
    logIn: (url: string, deviation: Deviation = {}): URLSearchParams => {
      const { origin, pathname, searchParams: request } = new URL(url);
      const provider = ownerOf(origin + pathname);
      const code = crypto.randomUUID();
      grants.set(code, { ...deviation, provider, request });
      const callback = new URLSearchParams({ code, state: request.get("state") ?? "" });
      if (provider === "idp") callback.set("iss", METADATA.idp.issuer);
      if (provider === "github") callback.set("iss", "https://github.com/login/oauth");
      return callback;
    },
  };
  const grants = new Map<string, Grant>();

  async function issue({ provider, request, claims = {}, header = {}, sign }: Grant) {
    const id = provider as keyof typeof CLAIMS;
    const now = Math.floor(Date.now() / 1000);
    const payload = {
      iss: METADATA[id].issuer,
      aud: ENTRIES[id].client_id,
      iat: now,
      exp: now + 600,
      nonce: request.get("nonce"),
      ...CLAIMS[id],
      ...claims,
    };
    const present = JSON.parse(JSON.stringify(payload));
    const protectedHeader = { alg: "RS256", kid: KEY_ID, typ: "JWT", ...header };
    const idToken = await (sign ?? signToken)(protectedHeader, present);
    fake.idTokens.push(idToken);
    return { access_token: `at-${id}`, token_type: "Bearer", expires_in: 3599, id_token: idToken };
  }

  async function redeem(request: Request): Promise<Response> {
    const form = new URLSearchParams(new TextDecoder().decode(await request.arrayBuffer()));
    const grant = grants.get(form.get("code") ?? "");
    grants.delete(form.get("code") ?? "");
    if (!grant) return Response.json({ error: "invalid_grant" }, { status: 400 });
    const { provider, request: started } = grant;
    if (!(await isClient(provider, request, form))) {
      return Response.json({ error: "invalid_client" }, { status: 401 });
    }
    const isSame =
      form.get("redirect_uri") === started.get("redirect_uri") &&
      (await challengeOf(form.get("code_verifier") ?? "")) === started.get("code_challenge");
    if (!isSame) return Response.json({ error: "invalid_grant" }, { status: 400 });
    if (provider !== "github") return Response.json(await issue(grant));
    return Response.json({ access_token: "gho_at", scope: "user:email", token_type: "bearer" });
  }

  const documents: Record<string, Respond> = {
    "https://api.github.com/user": (request) => askGithub(request, fake.github.user),
    "https://api.github.com/user/emails?per_page=100": (request) =>
      askGithub(request, fake.github.emails),
    "https://github.com/login/oauth/access_token": redeem,
  };
  for (const [id, metadata] of Object.entries(METADATA)) {
    const authority = id === "microsoft" ? `${MICROSOFT}/common/v2.0` : metadata.issuer;
    documents[`${authority}/.well-known/openid-configuration`] = () =>
      Response.json(fake.metadata[id]);
    documents[metadata.token_endpoint] = redeem;
    documents[metadata.jwks_uri] = () => Response.json({ keys: fake.keys });
    if ("userinfo_endpoint" in metadata) {
      documents[metadata.userinfo_endpoint] = () => Response.json(fake.userinfo);
    }
  }

  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const address = String(input);
    const request = new Request(address, init as RequestInit);
    fake.requests.push(`${request.method} ${address}`);
    expect(init?.redirect).toBe("manual");
    const respond = fake.overrides.get(address) ?? documents[address];
    if (!respond) throw new TypeError(`nobody is at ${address}`);
    return respond(request);
  });
  return fake;
}

export type FakeProviders = Awaited<ReturnType<typeof fakeProviders>>;

function ownerOf(endpoint: string): ProviderId {
  if (endpoint === "https://github.com/login/oauth/authorize") return "github";
  const found = Object.entries(METADATA).find(([, one]) => one.authorization_endpoint === endpoint);
  if (!found) throw new Error(`no provider at ${endpoint}`);
  return found[0] as ProviderId;
}

function askGithub({ headers }: Request, content: object): Response {
  expect(headers.get("User-Agent")).toBeTruthy();
  if (headers.get("Authorization") === "Bearer gho_at") return Response.json(content);
  return Response.json({ message: "Bad credentials" }, { status: 401 });
}

// By hand, because jose refuses to sign some headers.
async function signToken(header: object, claims: object): Promise<string> {
  const encode = (value: object) => base64url.encode(JSON.stringify(value));
  const input = `${encode(header)}.${encode(claims)}`;
  const bytes = new TextEncoder().encode(input);
  const signature = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", RSA.privateKey, bytes);
  return `${input}.${base64url.encode(new Uint8Array(signature))}`;
}

async function isClient(provider: ProviderId, { headers }: Request, form: URLSearchParams) {
  const id = ENTRIES[provider].client_id;
  if (provider === "idp") {
    const credentials = `${encodeURIComponent(id)}:${encodeURIComponent(SECRET)}`;
    const [, sent = ""] = headers.get("Authorization")?.split(" ") ?? [];
    return decodeURIComponent(atob(sent).replaceAll("+", " ")) === decodeURIComponent(credentials);
  }
  const secret = form.get("client_secret") ?? "";
  if (form.get("client_id") !== id) return false;
  return provider === "apple" ? isSignedByApplesKey(secret) : secret === SECRET;
}

async function isSignedByApplesKey(secret: string): Promise<boolean> {
  const { client_id, team_id, key_id } = ENTRIES.apple;
  const { protectedHeader } = await jwtVerify(secret, APPLE_KEY.publicKey, {
    issuer: team_id,
    subject: client_id,
    audience: "https://appleid.apple.com",
    algorithms: ["ES256"],
    maxTokenAge: 60,
    requiredClaims: ["exp", "iat"],
  });
  return protectedHeader.kid === key_id;
}

async function challengeOf(verifier: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return base64url.encode(new Uint8Array(digest));
}
