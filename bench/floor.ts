/** The floors of the benchmark: only the D1 work of an operation, without framework, checks or validation. */

interface Env {
  DB: D1Database;
}

interface Write {
  user_id: string;
  first_name: string;
}

const COLUMNS = `id, username, email, email_verified, first_name, last_name, role, is_active, version,
  created_at, updated_at, last_login_at, deleted_at`;
const POINT_READ = `SELECT ${COLUMNS} FROM users WHERE id = ?`;
const PAGE = `SELECT ${COLUMNS} FROM users ORDER BY created_at DESC, id DESC LIMIT 100`;
const UPDATE = "UPDATE users SET first_name = ? WHERE id = ?";
const INSERT = `INSERT INTO audit_events (id, action, actor_type, actor_id, target_type, target_id, created_at)
  VALUES (?, 'user.updated', 'user', ?, 'user', ?, ?)`;

async function pointRead({ DB }: Env, id: string | null): Promise<Response> {
  return Response.json(await DB.prepare(POINT_READ).bind(id).first());
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

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    switch (`${request.method} ${pathname}`) {
      case "GET /point-read":
        return pointRead(env, searchParams.get("id"));
      case "GET /page":
        return page(env);
      case "POST /write":
        return write(env, request);
      default:
        return new Response(null, { status: 404 });
    }
  },
} satisfies ExportedHandler<Env>;
