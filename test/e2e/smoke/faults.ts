/** The reply of a working service, which a fault changes. */
interface Changed {
  status: number;
  headers: Headers;
  text: string;
}

/** Breaks the reply to a path. */
export type Change = (path: string, reply: Changed) => void;

/** What a broken service would answer, and what the script must say of it. */
export const FAULTS: [what: string, change: Change, expected: RegExp][] = [
  [
    "another version",
    (path, reply) => {
      if (path === "/health") reply.text = '{"status":"healthy","version":"0.0.9"}';
    },
    /^FAIL health: version 0\.0\.9 runs, not \d+\.\d+\.\d+\. Deploy, wait/m,
  ],
  [
    "a store that fails",
    (path, reply) => {
      if (path !== "/ready") return;
      reply.status = 503;
      reply.text = '{"checks":{"d1":{"status":"failed","detail":"D1 does not respond."}}}';
    },
    /^FAIL ready: the service is not ready\. d1: D1 does not respond\./m,
  ],
  [
    "no keys",
    (path, reply) => {
      if (path === "/.well-known/jwks.json") reply.text = '{"keys":[]}';
    },
    /^FAIL keys: there is no key\. Check SIGNING_KEYS\./m,
  ],
  [
    "a private key",
    (path, reply) => {
      if (path === "/.well-known/jwks.json") reply.text = '{"keys":[{"kty":"OKP","d":"x"}]}';
    },
    /^FAIL keys: a private key is public!/m,
  ],
  [
    "a header that a proxy removes",
    (_path, reply) => reply.headers.delete("Strict-Transport-Security"),
    /^FAIL security headers: Strict-Transport-Security: missing.*proxy/m,
  ],
  [
    "an operation without protection",
    (path, reply) => {
      if (path === "/v1/users") reply.status = 200;
    },
    /^FAIL credentials: 200 instead of 401/m,
  ],
  [
    "pages that were not built",
    (path, reply) => {
      if (path === "/console") reply.status = 404;
    },
    /^FAIL pages: 404 instead of 200.*Were the assets built/m,
  ],
  [
    "a logout without effect",
    (path, reply) => {
      if (path === "/v1/users/me" && reply.status === 401) reply.status = 200;
    },
    /^FAIL account: 200 instead of 401.*The logout did not end the session\. The account smoke-\w+ may remain/m,
  ],
  [
    "a rate limit",
    (path, reply) => {
      if (path !== "/v1/auth/login") return;
      reply.status = 429;
      reply.headers.set("Retry-After", "17");
    },
    /^FAIL account: 429: the rate limit.*Try again in 17 seconds/m,
  ],
];

/** A service that is configured to send email. */
export const sendMail: Change = (path, reply) => {
  if (path === "/ready")
    reply.text = reply.text.replace('"mail":{"status":"off"}', '"mail":{"status":"ok"}');
};

/** A service whose registration is closed. */
export const closeRegistration: Change = (path, reply) => {
  if (path !== "/v1/auth/register") return;
  reply.status = 403;
  reply.text = '{"code":"registration_closed"}';
};
