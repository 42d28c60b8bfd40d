import { OpenAPIHono } from "@hono/zod-openapi";
import { loadRevocation } from "./access/revocation.ts";
import { bulkRouter } from "./accounts/bulk/routes.ts";
import { importRouter } from "./accounts/import/routes.ts";
import { listExportRouter } from "./accounts/list-export/routes.ts";
import { userLifecycleRouter } from "./accounts/personal-data/routes.ts";
import { profilesRouter } from "./accounts/profiles/routes.ts";
import { usersRouter } from "./accounts/users/routes.ts";
import { apiKeysRouter } from "./api-keys/routes.ts";
import { auditRouter } from "./audit/routes.ts";
import { sealsRouter } from "./audit/seals/routes.ts";
import { countDenial } from "./audit/unattributed.ts";
import { credentialsRouter } from "./authentication/credentials/routes.ts";
import { passkeysRouter } from "./authentication/factors/passkey-routes.ts";
import { factorsRouter } from "./authentication/factors/routes.ts";
import { introspectionRouter } from "./authentication/introspection/routes.ts";
import { passkeyLoginRouter } from "./authentication/login/passkey-routes.ts";
import { loginRouter } from "./authentication/login/routes.ts";
import { mfaRouter } from "./authentication/mfa/routes.ts";
import { passwordsRouter } from "./authentication/passwords/routes.ts";
import { providersRouter } from "./authentication/providers/routes.ts";
import { sessionsRouter } from "./authentication/sessions/routes.ts";
import { stepUpRouter } from "./authentication/step-up/routes.ts";
import { verificationRouter } from "./authentication/verification/routes.ts";
import type { AppEnv } from "./http/app-env.ts";
import { drainBody } from "./http/body.ts";
import { sendBookmark } from "./http/bookmark.ts";
import { cors } from "./http/cors.ts";
import { notFound, refuseMethods } from "./http/not-found.ts";
import { onError } from "./http/on-error.ts";
import { loadConfig, provideContext, requireConfig } from "./http/request-context.ts";
import { requestId } from "./http/request-id.ts";
import { requestLog } from "./http/request-log.ts";
import { securityHeaders } from "./http/security-headers.ts";
import { mountDocs } from "./operations/docs.ts";
import { operationsRouter } from "./operations/routes.ts";
import { permissionsRouter } from "./roles/permissions/routes.ts";
import { rolesRouter } from "./roles/routes.ts";

/** Builds the API: the middleware that every request passes through, in order, then one router per feature. */
export function createApp() {
  const app = new OpenAPIHono<AppEnv>();

  app.use(requestId);
  app.use(requestLog);
  app.use(securityHeaders);
  app.use(drainBody);
  app.use(loadConfig);
  app.use(cors);
  app.use(refuseMethods(app));
  app.use("/ready", provideContext);
  app.use("/v1/*", requireConfig, loadRevocation, sendBookmark);
  app.use("/metrics", requireConfig, loadRevocation, sendBookmark);
  app.use("/.well-known/*", requireConfig);

  app.route("/", loginRouter);
  app.route("/", introspectionRouter);
  app.route("/", sessionsRouter);
  app.route("/", stepUpRouter);
  app.route("/", mfaRouter);
  app.route("/", passkeyLoginRouter);
  app.route("/", providersRouter);
  app.route("/", factorsRouter);
  app.route("/", passkeysRouter);
  app.route("/", importRouter);
  app.route("/", bulkRouter);
  app.route("/", listExportRouter);
  app.route("/", usersRouter);
  app.route("/", userLifecycleRouter);
  app.route("/", profilesRouter);
  app.route("/", verificationRouter);
  app.route("/", passwordsRouter);
  app.route("/", credentialsRouter);
  app.route("/", permissionsRouter);
  app.route("/", rolesRouter);
  app.route("/", apiKeysRouter);
  app.route("/", auditRouter);
  app.route("/", sealsRouter);
  app.route("/", operationsRouter);
  mountDocs(app);

  app.notFound(notFound);
  app.onError((error, c) => {
    countDenial(c.get("ctx"), error);
    return onError(error, c);
  });
  return app;
}
