import type { Context as HonoContext, MiddlewareHandler } from "hono";
import type { Config } from "../config.ts";
import { type Context, createContext, getIsolate } from "../context.ts";
import { AppError } from "../errors.ts";
import type { AppEnv } from "./app-env.ts";

const MAX_USER_AGENT_LENGTH = 512;
/** Browsers send fewer than 100 characters. */
const MAX_ACCEPT_LANGUAGE_LENGTH = 500;

/**
 * Parses the configuration once per isolate. If it is invalid, `requireConfig` refuses requests, /ready lists the problems, and the
 * isolate logs them once.
 */
export const loadConfig: MiddlewareHandler<AppEnv> = async function loadConfig(c, next) {
  const isolate = getIsolate(c.env);
  const config = await isolate.config;
  c.set("config", config);
  if (!config.ok && !isolate.hasLoggedFaults) {
    isolate.hasLoggedFaults = true;
    c.get("log")("error", "config.invalid", { faults: config.faults });
  }
  return next();
};

/** Creates the context that services use, if the configuration is valid. */
export const provideContext: MiddlewareHandler<AppEnv> = async function provideContext(c, next) {
  const result = c.get("config");
  if (result.ok) c.set("ctx", createRequestContext(c, result.config));
  return next();
};

/** Creates the context that services use. Throws `misconfigured` if the configuration is invalid. */
export const requireConfig: MiddlewareHandler<AppEnv> = async function requireConfig(c, next) {
  if (!c.get("config").ok) throw new AppError("misconfigured");
  return provideContext(c, next);
};

function createRequestContext(c: HonoContext<AppEnv>, config: Config): Context {
  const { raw } = c.req;
  return createContext({
    bindings: c.env,
    config,
    meter: c.get("meter"),
    replication: config.readReplicas ? { mayLag: false } : undefined,
    actor: { type: "anonymous" },
    client: {
      ip: c.req.header("CF-Connecting-IP") ?? null,
      userAgent: c.req.header("User-Agent")?.slice(0, MAX_USER_AGENT_LENGTH) ?? null,
      // Read lazily, because the runtime parses `cf` on each access.
      get country() {
        const country = raw.cf?.country;
        return typeof country === "string" ? country : null;
      },
    },
    acceptLanguage: readAcceptLanguage(c),
    requestId: c.get("requestId"),
    trace: c.get("trace"),
    log: c.get("log"),
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  });
}

function readAcceptLanguage(c: HonoContext<AppEnv>): string | null {
  const header = c.req.header("Accept-Language") ?? null;
  return header && header.length <= MAX_ACCEPT_LANGUAGE_LENGTH ? header : null;
}
