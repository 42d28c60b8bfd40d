import type { OpenAPIHono } from "@hono/zod-openapi";
import { version } from "../../package.json";
import type { AppEnv } from "../http/app-env.ts";

const DESCRIPTION = `User accounts, authentication, sessions, roles and API keys.

Log in, send the \`access_token\` as \`Authorization: Bearer <token>\`, and refresh it before it expires (\`expires_in\`).
Every error response is a problem document (RFC 9457) with a stable \`code\`; /docs/errors explains each code.`;

/** The OpenAPI 3.1 document of all operations that the app's routers declare. */
export function buildOpenApiDocument(app: OpenAPIHono<AppEnv>) {
  app.openAPIRegistry.registerComponent("securitySchemes", "accessToken", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "The `access_token` returned by login and refresh.",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", {
    type: "apiKey",
    in: "header",
    name: "X-API-Key",
    description:
      "A key created with `POST /v1/api-keys`. Its scopes limit what it can do, and it cannot manage credentials.",
  });
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Roster",
      version,
      description: DESCRIPTION,
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    servers: [{ url: "/" }],
    tags: [
      {
        name: "Authentication",
        description: "Registration, login, passwords, and your own sessions.",
      },
      { name: "Users", description: "User accounts and their management." },
      {
        name: "Credentials",
        description: "Lock-outs, passwords and addresses of other users. Needs credentials:manage.",
      },
      { name: "Profiles", description: "Personal details that users maintain themselves." },
      { name: "Roles", description: "Roles and the permissions that they grant." },
      { name: "API keys", description: "Credentials for third-party applications." },
      { name: "Audit", description: "What happened, and what was refused." },
      { name: "Operations", description: "Health, readiness, metrics and public keys." },
    ],
  });
  requireBodies(document);
  return document;
}

// A body that can be a form or JSON is declared without `required`, because the router would otherwise require both.
function requireBodies({ paths = {} }: ReturnType<OpenAPIHono["getOpenAPI31Document"]>): void {
  for (const path of Object.values(paths)) {
    for (const method of ["post", "put", "patch"] as const) {
      const body = path[method]?.requestBody;
      if (body && "content" in body) body.required = true;
    }
  }
}
