// The client of the API, typed from its OpenAPI document. It refreshes tokens and asks for step-up by itself, and throws every error
// response as a `Problem`.
import createClient from "openapi-fetch";
import type { paths } from "./api-types.d.ts";
import { Problem, type ProblemBody } from "./problem.ts";
import { forgetSession, getSession, isExpiring, refreshSession } from "./session.ts";
import { requestStepUp } from "./step-up.ts";

/** Calls an operation: `api.GET("/v1/users/{id}", { params: { path: { id } } })`. Pass the promise to `ok` or `okWithTag`. */
export const api = createClient<paths>({ baseUrl: location.origin, fetch: send });

interface Result<T> {
  data?: T | undefined;
  error?: unknown;
  response: Response;
}

/** The body of a success. Throws a `Problem`. */
export async function ok<T>(call: Promise<Result<T>>): Promise<T> {
  return (await okWithTag(call)).data;
}

/** The body of a success and its ETag, for `If-Match`. Throws a `Problem`. */
export async function okWithTag<T>(call: Promise<Result<T>>): Promise<{ data: T; etag: string }> {
  const { data, error, response } = await call;
  if (!response.ok) throw toError(response, error);
  return { data: data as T, etag: response.headers.get("ETag") ?? "" };
}

function toError(response: Response, error: unknown): Problem {
  const isBody = error !== null && typeof error === "object" && "code" in error;
  const { status } = response;
  const body = isBody
    ? (error as ProblemBody)
    : { code: "unexpected_error", title: "", detail: "", status };
  const retryAfter = Number(response.headers.get("Retry-After"));
  return new Problem(body, retryAfter > 0 ? retryAfter : undefined);
}

/** `fetch` with the access token. Streams of the API that the client cannot type use it directly. */
export async function send(request: Request): Promise<Response> {
  const session = getSession();
  if (session && isExpiring(session)) await refreshSession();
  const response = await sendOnce(request);
  if (response.status !== 401 || !getSession()) return response;
  const code = await readCode(response);
  if (code === "unauthenticated")
    return (await refreshSession()) ? sendOnce(request) : leave(response);
  if (code === "insufficient_user_authentication") return stepUp(request, response);
  return response;
}

// People with a second factor prove two, one after the other, so the request may be refused once more.
async function stepUp(request: Request, refused: Response): Promise<Response> {
  let response = refused;
  const done = new Set<string>();
  while (
    response.status === 401 &&
    (await readCode(response)) === "insufficient_user_authentication"
  ) {
    if (!(await requestStepUp(done))) return response;
    response = await sendOnce(request);
  }
  return response;
}

function leave(response: Response): Response {
  forgetSession();
  return response;
}

function sendOnce(request: Request): Promise<Response> {
  const copy = request.clone();
  const token = getSession()?.accessToken;
  if (token) copy.headers.set("Authorization", `Bearer ${token}`);
  return fetch(copy);
}

async function readCode(response: Response): Promise<string | undefined> {
  const body = (await response.clone().json()) as Partial<ProblemBody>;
  return body.code;
}
