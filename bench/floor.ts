/** The floors of the benchmark: only the work of an operation that cannot be avoided, without checks and validation. */
import { Hono } from "hono";

interface Env {
  DB: D1Database;
  KV: KVNamespace;
  /** The SQL with which the API reads the caller of a session. */
  CALLER_SQL: string;
}

interface Write {
  user_id: string;
  first_name: string;
}

const COLUMNS = `id, username, email, email_verified, password_hash IS NOT NULL AS has_password, mfa_enabled, first_name,
  last_name, role, is_active, version, created_at, updated_at, last_login_at, deleted_at`;
const POINT_READ = `SELECT ${COLUMNS} FROM users WHERE id = ?`;
const PAGE = `SELECT ${COLUMNS} FROM users WHERE deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 100`;
const UPDATE = "UPDATE users SET first_name = ? WHERE id = ?";
const INSERT = `INSERT INTO audit_events (id, action, actor_type, actor_id, target_type, target_id, created_at)
  VALUES (?, 'user.updated', 'user', ?, 'user', ?, ?)`;
/** As many as the sessions that are refreshed, and a value as long as a session record. */
const KEYS = 32;
const RECORD = JSON.stringify({ session: "x".repeat(200) });
const RECORD_TTL_SECONDS = 3600;
const ITERATIONS_PER_CALL = 100_000;
const CALLS = 6;

const hono = new Hono().get("/hono", (c) => c.json({ status: "ok" }));

async function pointRead({ DB }: Env, id: string | null): Promise<Response> {
  return Response.json(await DB.prepare(POINT_READ).bind(id).first());
}

async function callerRead({ DB, CALLER_SQL }: Env, id: string | null): Promise<Response> {
  return Response.json(await DB.prepare(CALLER_SQL).bind(id).first());
}

async function page({ DB }: Env): Promise<Response> {
  const { results } = await DB.prepare(PAGE).all();
  return Response.json(results);
}

async function write({ DB }: Env, request: Request): Promise<Response> {
  const { user_id, first_name } = await request.json<Write>();
  const [updated] = await DB.batch([
    DB.prepare(UPDATE).bind(first_name, user_id),
    DB.prepare(INSERT).bind(crypto.randomUUID(), user_id, user_id, Date.now()),
  ]);
  return Response.json({ updated: updated?.meta.changes });
}

async function writeWithKv(env: Env, request: Request): Promise<Response> {
  const response = await write(env, request);
  const key = `session:${Date.now() % KEYS}`;
  await env.KV.put(key, RECORD, { expirationTtl: RECORD_TTL_SECONDS });
  return response;
}

async function derive(): Promise<Response> {
  let secret = crypto.getRandomValues(new Uint8Array(32)).buffer;
  const salt = new Uint8Array(16);
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt, iterations: ITERATIONS_PER_CALL };
  for (let call = 0; call < CALLS; call += 1) {
    const key = await crypto.subtle.importKey("raw", secret, "PBKDF2", false, ["deriveBits"]);
    secret = await crypto.subtle.deriveBits(algorithm, key, 256);
  }
  return Response.json({ bytes: secret.byteLength });
}

async function kvRead({ KV }: Env): Promise<Response> {
  return Response.json(await KV.get("floor", { type: "json", cacheTtl: 30 }));
}

export default {
  async fetch(request, env, executionContext) {
    const { pathname, searchParams } = new URL(request.url);
    switch (`${request.method} ${pathname}`) {
      case "GET /hono":
        return hono.fetch(request, env, executionContext);
      case "GET /point-read":
        return pointRead(env, searchParams.get("id"));
      case "GET /caller-read":
        return callerRead(env, searchParams.get("id"));
      case "GET /page":
        return page(env);
      case "POST /write":
        return write(env, request);
      case "POST /write-with-kv":
        return writeWithKv(env, request);
      case "GET /pbkdf2":
        return derive();
      case "GET /kv-read":
        return kvRead(env);
      default:
        return new Response(null, { status: 404 });
    }
  },
} satisfies ExportedHandler<Env>;
