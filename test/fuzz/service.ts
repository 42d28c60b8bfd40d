import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { newKeySettings } from "../../scripts/lib/new-keys.ts";
import { type Isolates, withIsolates } from "../e2e/isolates.ts";
import { openMailbox } from "../e2e/mailbox.ts";
import type { ReadRows } from "../e2e/soak/checks.ts";
import { plantOldEvents } from "../e2e/soak/start.ts";
import { type Actor, type CreatePrivileged, createActor, post } from "./actors.ts";
import { PROVIDER, REDIRECT_URI } from "./fields.ts";
import type { Send } from "./http.ts";
import type { Victim } from "./victims.ts";

/** The service that is fuzzed. */
export interface Service {
  url: URL;
  /** Sets a role directly in the database, which takes long. */
  setRole: (userId: string, role: string) => Promise<void>;
  /** Lets everyone log in again: an administrator may have made a role require a second factor. */
  relaxRoles: () => Promise<void>;
  /** Calls `noted` with each email from now on. */
  watchMails: (noted: (to: readonly string[], text: string) => void) => void;
  /** Calls `noted` with each line that the service logs from now on. */
  watchLines: (noted: (line: string) => void) => void;
  /** Reads rows of the database. */
  read: ReadRows;
  /** Runs the scheduled jobs. */
  runJobs: () => Promise<void>;
  /** Gives a victim what only a login with a provider would, and returns its id. */
  addIdentity: (victim: Victim) => Promise<string>;
  /** What is stored and no response may contain. */
  listSecrets: (victims: readonly Victim[]) => Promise<string[]>;
  /** The number of audit events up to an id, and a digest of them. */
  digestTrail: (until: string) => Promise<{ count: number; last: string; digest: string }>;
}

const NO_LIMITS = {
  RATE_LIMIT_AUTH: "0",
  RATE_LIMIT_REFRESH: "0",
  RATE_LIMIT_READ: "0",
  RATE_LIMIT_WRITE: "0",
};
const SCHEDULES = ["* * * * *", "*/5 * * * *", "17 * * * *"];
const CLIENT_ID = "roster";

/** Runs `work` against a new worker in workerd, with a mailbox and a login provider. */
export async function withService(work: (service: Service) => Promise<void>): Promise<void> {
  let noteMail: Parameters<Service["watchMails"]>[0] = () => undefined;
  let noteLine: Parameters<Service["watchLines"]>[0] = () => undefined;
  const mailbox = await openMailbox(({ to, text }) => noteMail(to, text));
  const provider = await openProvider();
  const keys = await newKeySettings("dev-");
  const settings = {
    ...NO_LIMITS,
    ...mailbox.settings,
    ...provider.settings,
    ...keys,
    APP_URL: "https://roster.test",
    ACCESS_TOKEN_TTL_SECONDS: "3600",
    EMAIL_LOGIN: "on",
    LOG_LEVEL: "debug",
    LOGIN_REDIRECT_URIS: REDIRECT_URI,
    PASSWORD_ITERATIONS: "1",
    SESSION_LIMIT: "1000",
    STEP_UP_MAX_AGE_SECONDS: "86400",
  };
  try {
    const serve = async ({ urls: [url], db, runCron }: Isolates) => {
      if (!url) throw new Error("no isolate");
      await plantOldEvents(db);
      await work({
        url,
        setRole: async (userId, role) => {
          await db.prepare("UPDATE users SET role = ? WHERE id = ?").bind(role, userId).run();
        },
        async relaxRoles() {
          await db.prepare("UPDATE roles SET require_mfa = 0 WHERE require_mfa = 1").run();
        },
        watchMails: (noted) => {
          noteMail = noted;
        },
        watchLines: (noted) => {
          noteLine = noted;
        },
        read: async <T>(sql: string, ...values: unknown[]) =>
          (
            await db
              .prepare(sql)
              .bind(...values)
              .all<T>()
          ).results,
        async runJobs() {
          for (const schedule of SCHEDULES) await runCron(schedule);
        },
        addIdentity: (victim) => addIdentity(db, provider.issuer, victim),
        listSecrets: async (victims) => [
          ...(await listStored(db, victims)),
          ...Object.values(keys).flatMap((ring) => listKeys(ring)),
        ],
        digestTrail: (until) => digestTrail(db, until),
      });
    };
    await withIsolates([settings], serve, undefined, (line) => noteLine(line));
  } finally {
    mailbox.close();
    provider.close();
  }
}

/**
 * Creates accounts with roles as an administrator, who is replaced if the fuzzer has deleted or demoted them. `noted` is called
 * with their id.
 */
export function createRoot(
  service: Service,
  send: Send,
  noted: (id: string) => void,
): CreatePrivileged {
  const start = async (): Promise<Actor> => {
    const actor = await createActor(send, () => Promise.reject(new Error("no root")), "user");
    noted(actor.account.id);
    await service.setRole(actor.account.id, "admin");
    return actor;
  };
  let root = start();
  return async function createPrivileged(account) {
    const create = async () =>
      (await post(send, "/v1/users", account, (await root).headers)).id as string;
    return create().catch(() => {
      root = start();
      return create();
    });
  };
}

function listKeys(ring: string): string[] {
  const { keys } = JSON.parse(ring) as { keys: { d?: string; k?: string }[] };
  return keys.flatMap(({ d, k }) => [d ?? [], k ?? []].flat());
}

async function addIdentity(db: D1Database, issuer: string, victim: Victim): Promise<string> {
  const id = crypto.randomUUID();
  await db
    .prepare("INSERT INTO identities VALUES (?, ?, ?, ?, ?, ?, 0, NULL)")
    .bind(id, victim.id, PROVIDER, issuer, `qvxprivate-${id}`, victim.email)
    .run();
  return id;
}

/** Columns with hashes and sealed values, with the table and the column of the user. */
const SECRET_COLUMNS = [
  ["users", "id", "password_hash"],
  ["users", "id", "data_key"],
  ["api_keys", "user_id", "secret_hash"],
  ["factors", "user_id", "secret"],
  ["one_time_tokens", "user_id", "token_hash"],
] as const;

async function listStored(db: D1Database, victims: readonly Victim[]): Promise<string[]> {
  const ids = JSON.stringify(victims.map(({ id }) => id));
  const queries = SECRET_COLUMNS.map(([table, user, column]) =>
    db
      .prepare(
        `SELECT ${column} AS secret FROM ${table} WHERE ${column} IS NOT NULL AND ${user} IN (SELECT value FROM json_each(?))`,
      )
      .bind(ids),
  );
  const results = await db.batch<{ secret: string }>(queries);
  return results.flatMap(({ results: rows }) => rows.map(({ secret }) => secret));
}

async function digestTrail(db: D1Database, until: string) {
  const { results } = await db
    .prepare("SELECT * FROM audit_events WHERE id <= ? ORDER BY id")
    .bind(until)
    .all<{ id: string }>();
  const digest = createHash("sha256").update(JSON.stringify(results)).digest("hex");
  return { count: results.length, last: results.at(-1)?.id ?? "", digest };
}

/**
 * Starts an OpenID provider that asks nobody anything. A code is a nonce and a subject, with a dot between them: whoever knows the
 * nonce is logged in as the subject.
 */
async function openProvider() {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const jwk = { ...(await exportJWK(publicKey)), alg: "ES256", use: "sig", kid: "stub" };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      void answer(request.url ?? "", form).then((body) => {
        response.setHeader("Content-Type", "application/json").end(JSON.stringify(body));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(path: string, form: URLSearchParams): Promise<unknown> {
    if (path === "/jwks") return { keys: [jwk] };
    if (path !== "/token") {
      return {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ["code"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["ES256"],
      };
    }
    const [nonce = "", subject = ""] = (form.get("code") ?? "").split(".");
    const claims = { nonce, email: `fz-${subject}@example.com`, email_verified: true };
    const id_token = await new SignJWT(claims)
      .setProtectedHeader({ alg: "ES256", kid: "stub" })
      .setIssuer(issuer)
      .setAudience(CLIENT_ID)
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime("5m")
      .sign(privateKey);
    return { access_token: "none", token_type: "Bearer", id_token };
  }

  return {
    issuer,
    settings: {
      PROVIDERS: JSON.stringify([
        { id: PROVIDER, name: "Stub", issuer, client_id: CLIENT_ID, trust_email: true },
      ]),
      PROVIDER_STUB_SECRET: "a secret of the fuzzer alone",
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
