import type { OpenAPIHono } from "@hono/zod-openapi";
import { version } from "../../package.json";
import type { AppEnv } from "../http/app-env.ts";

const DESCRIPTION = `Accounts, credentials, sessions and roles at the edge.

Log in, send the \`access_token\` as \`Authorization: Bearer <token>\`, and refresh it before its 15 minutes are over.
Every error is a problem document (RFC 9457) with a stable \`code\`: /docs/errors explains each.`;

/** The OpenAPI 3.1 document of everything that the app's routers declare. */
export function buildOpenApiDocument(app: OpenAPIHono<AppEnv>) {
  app.openAPIRegistry.registerComponent("securitySchemes", "accessToken", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "The `access_token` that login and refresh answer with.",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", {
    type: "apiKey",
    in: "header",
    name: "X-API-Key",
    description:
      "A key made with `POST /v1/api-keys`. It may use its scopes, and nothing that manages credentials.",
  });
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Roster",
      version,
      description: DESCRIPTION,
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    servers: [{ url: "/" }],
    tags: [
      { name: "Authentication", description: "Accounts, tokens and sessions of one's own." },
      { name: "Users", description: "Accounts and their management." },
      { name: "Profiles", description: "What people say about themselves." },
      { name: "Roles", description: "What roles grant." },
      { name: "API keys", description: "Access for third parties." },
      { name: "Operations", description: "Health, readiness and public keys." },
    ],
  });
}
