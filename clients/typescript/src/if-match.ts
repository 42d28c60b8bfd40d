import { isProblem } from "./problem.ts";

/** The header that makes a change conditional on the version that was read: `params: { path, header: ifMatch(etag) }`. */
export function ifMatch(etag: string): { "If-Match": string } {
  return { "If-Match": etag };
}

interface Version<T> {
  data: T;
  etag: string;
}

/**
 * Reads a resource and changes that version of it. If someone else has changed it in between (412 `version_conflict`), it does both
 * again: three times at most.
 */
export async function changeCurrent<T, R>(
  read: () => Promise<Version<T>>,
  change: (current: Version<T>) => Promise<R>,
): Promise<R> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await change(await read());
    } catch (error) {
      if (attempt === 3 || !isProblem(error, "version_conflict")) throw error;
    }
  }
}
