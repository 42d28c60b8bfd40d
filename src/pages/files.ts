import type { Context } from "hono";
import { AppError } from "../errors.ts";
import type { AppEnv } from "../http/app-env.ts";

/** The names of files contain a hash of their content. */
const IMMUTABLE = "public, max-age=31536000, immutable";

/** A file of the build. Throws `not_found` if there is none with this path. */
export async function fetchFile(c: Context<AppEnv>, path: string): Promise<Response> {
  const file = await c.env.ASSETS.fetch(new URL(path, c.req.url));
  if (file.status === 200) return file;
  await file.body?.cancel();
  throw new AppError("not_found", {
    detail: "There is no such file. If none is there, build the pages: run `npm run assets`.",
  });
}

/** The response with a file whose name contains a hash of its content. */
export async function serveHashed(c: Context<AppEnv>, path: string): Promise<Response> {
  const response = copyFile(await fetchFile(c, path));
  response.headers.set("Cache-Control", IMMUTABLE);
  return response;
}

/** A response whose headers can be changed. */
export function copyFile(file: Response): Response {
  return new Response(file.body, file);
}
