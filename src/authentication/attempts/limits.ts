import type { Context } from "../../context.ts";
import { DAY, MINUTE, SECOND } from "../../lib/time.ts";

/** From how many failures on attempts are refused, and within which sliding window. Times are in milliseconds. */
export interface AttemptLimits {
  now: number;
  windowMs: number;
  /** Failures from one network. */
  limit: number;
  /** Failures from all networks. */
  totalLimit: number;
  /** A network that the account has logged in from since then is known: only its own limit applies. */
  knownSince: number;
}

/** Guessing from many networks is stopped at this many times the limit of one network. */
const TOTAL_FACTOR = 10;

/** How long a network stays known after a login from there. */
export const KNOWN_NETWORK_MS = 30 * DAY;

/** The limits of the configuration at the time of the request. */
export function attemptLimits({ config, now }: Context): AttemptLimits {
  const { limit, windowMs } = config.loginAttempts;
  const totalLimit = limit * TOTAL_FACTOR;
  return { now: now(), windowMs, limit, totalLimit, knownSince: now() - KNOWN_NETWORK_MS };
}

/** Wrong codes of second factors after which an account accepts none for a while. They are counted apart from passwords. */
const FACTOR_LIMIT = 5;
const CODE_WINDOW_MS = 15 * MINUTE;

/** The limits of second factors, wherever the attempts come from. */
export function factorAttemptLimits(ctx: Context): AttemptLimits {
  return { ...attemptLimits(ctx), limit: FACTOR_LIMIT, windowMs: CODE_WINDOW_MS };
}

/** Wrong codes of emails after which an account accepts none for a while. They are counted apart from passwords and second factors. */
const EMAIL_CODE_LIMIT = 10;

/** The limits of codes that log in by email, wherever the attempts come from. */
export function emailCodeLimits(ctx: Context): AttemptLimits {
  return { ...attemptLimits(ctx), limit: EMAIL_CODE_LIMIT, windowMs: CODE_WINDOW_MS };
}

/** The name under which the attempts from all networks are stored. */
export const ALL_NETWORKS = "*";

/** Attempts as they are stored: the latest times by network, the oldest first. */
type StoredAttempts = Readonly<Record<string, number[]>>;

/** The number of attempts within the window, from one network and in total. */
export function countStored(attempts: string, network: string, { now, windowMs }: AttemptLimits) {
  const stored = JSON.parse(attempts) as StoredAttempts;
  const count = (name: string) =>
    (stored[name] ?? []).filter((time) => time > now - windowMs).length;
  return { own: count(network), total: count(ALL_NETWORKS) };
}

/** The seconds until an attempt from a network is accepted again, at least 1. */
export function computeRetryAfterSeconds(
  attempts: string,
  network: string,
  { now, windowMs, limit, totalLimit }: AttemptLimits,
): number {
  const stored = JSON.parse(attempts) as StoredAttempts;
  // The attempt that must leave the window first.
  const own = stored[network]?.at(-limit) ?? 0;
  const blocking = own > now - windowMs ? own : (stored[ALL_NETWORKS]?.at(-totalLimit) ?? 0);
  return Math.max(1, Math.ceil((blocking + windowMs - now) / SECOND));
}
