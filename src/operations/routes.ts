import { z } from "@hono/zod-openapi";
import { accepts } from "hono/accepts";
import { version } from "../../package.json";
import { createRouter, jsonContent, operation } from "../access/operation.ts";
import { everyone, permission } from "../access/rule.ts";
import { AppError } from "../errors.ts";
import { PROBLEM_TYPE } from "../http/problem.ts";
import { toHeaders } from "../http/response-headers.ts";
import { readAppName } from "./app-name.ts";
import { renderMetrics } from "./metrics.ts";
import { checkReadiness } from "./readiness.ts";
import { Health, Index, Jwks, NotReady, notReadyExamples, Ready } from "./schema.ts";

const tags = ["Operations"];

const indexRoute = operation({
  method: "get",
  path: "/",
  operationId: "getIndex",
  tags,
  summary: "Find the documentation",
  description: "Redirects to `/docs` if the client prefers HTML, as browsers do.",
  access: everyone,
  needs: "nothing",
  responses: {
    200: jsonContent(Index, "The name and version of the service, and where to go on."),
    302: { description: "The documentation is at `/docs`.", headers: toHeaders(["Location"]) },
  },
  errors: [],
});

const healthRoute = operation({
  method: "get",
  path: "/health",
  operationId: "getHealth",
  tags,
  summary: "Check that the service is running",
  description: "Performs no I/O.",
  access: everyone,
  needs: "nothing",
  responses: { 200: jsonContent(Health, "The service is healthy.") },
  errors: [],
});

const notReady = {
  description: "The service is not ready. `checks` shows what failed.",
  headers: toHeaders(["Retry-After"]),
  content: { [PROBLEM_TYPE]: { schema: NotReady, examples: notReadyExamples } },
};

const readyRoute = operation({
  method: "get",
  path: "/ready",
  operationId: "getReadiness",
  tags,
  summary: "Check that the service can handle requests",
  description:
    "Checks D1, KV and the configuration. On failure, `checks` in the 503 response shows what failed. `mail` is `off` if email is not configured, which is no failure. Each isolate asks the stores at most once in five seconds, or once per second while one fails. `data_keys` is `missing` if personal data in audit events can be neither sealed nor opened for some users, because their key was removed from `DATA_KEYS`.",
  access: everyone,
  rateLimitPolicy: "read",
  needs: "nothing",
  responses: { 200: jsonContent(Ready, "The service is ready."), 503: notReady },
  errors: [],
});

const jwksRoute = operation({
  method: "get",
  path: "/.well-known/jwks.json",
  operationId: "getJwks",
  tags,
  summary: "Get the public keys that verify access tokens",
  description:
    "Other services verify access tokens with these keys, without a request to Roster. Cacheable for five minutes.",
  access: everyone,
  needs: "configuration",
  responses: { 200: jsonContent(Jwks, "A JWK Set (RFC 7517). The first key signs new tokens.") },
  errors: [],
});

const metricsRoute = operation({
  method: "get",
  path: "/metrics",
  operationId: "getMetrics",
  tags,
  summary: "Get metrics for Prometheus",
  description:
    "Counts requests, logins, D1 and KV operations of all isolates, and describes the email outbox, the scheduled jobs, users and " +
    "sessions. Counts are added up in D1, and lag by up to 30 seconds. Users and sessions are counted every five " +
    "minutes. For Prometheus, use an API key with the scope `metrics:read`.",
  access: permission("metrics:read"),
  responses: {
    200: {
      description: "Metrics in the Prometheus text format.",
      content: { "text/plain": { schema: z.string().openapi("Metrics") } },
    },
  },
  errors: [],
});

export const operationsRouter = createRouter()
  .openapi(indexRoute, (c) => {
    c.header("Vary", "Accept", { append: true });
    const supports = ["application/json", "text/html"];
    const wanted = accepts(c, { header: "Accept", supports, default: "application/json" });
    if (wanted === "text/html") return c.redirect("/docs", 302);
    const links = { docs: "/docs", openapi: "/openapi.json", health: "/health" } as const;
    return c.json({ name: readAppName(c), version, ...links }, 200);
  })
  .openapi(healthRoute, (c) => c.json({ status: "healthy" as const, version }, 200))
  .openapi(readyRoute, async (c) => {
    const { d1, kv, mail, data_keys, config } = await checkReadiness({
      bindings: c.env,
      config: c.get("config"),
      meter: c.get("meter"),
      log: c.get("log"),
      waitUntil: (work) => c.executionCtx.waitUntil(work),
    });
    if (d1.status === "ok" && kv.status === "ok" && data_keys) {
      return c.json({ status: "ready" as const, checks: { d1, kv, mail, data_keys } }, 200);
    }
    const checks = { d1, kv, mail, ...(data_keys && { data_keys }), ...(config && { config }) };
    throw new AppError(config ? "misconfigured" : "service_unavailable", {
      extensions: { checks },
    });
  })
  .openapi(metricsRoute, async (c) =>
    c.text(await renderMetrics(c.get("ctx")), 200, {
      "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
    }),
  )
  .openapi(jwksRoute, (c) => {
    const keys = [...c.get("ctx").config.signingKeys.values()].map(({ publicJwk }) => publicJwk);
    c.header("Cache-Control", "public, max-age=300");
    return c.json({ keys } as Jwks, 200);
  });
