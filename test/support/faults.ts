import { env } from "cloudflare:workers";
import { expectStatement, wrapD1 } from "./d1.ts";
import { warm } from "./isolates.ts";

/** Decides whether a binding fails, by the SQL of a D1 round trip or the key of a KV operation. */
export type FailsAt = (text: string) => boolean;

export const always: FailsAt = () => true;

/** Fails at every D1 round trip or KV operation that matches. The test fails if none does. */
export function at(pattern: RegExp): FailsAt {
  const expected = expectStatement(pattern);
  return (text) => expected.matches(text);
}

interface Faults {
  /** Fails before the D1 round trip. */
  d1?: FailsAt;
  /** Fails after D1 has committed: the response is lost. */
  d1AnswerLost?: FailsAt;
  d1Message?: string;
  kvGet?: FailsAt;
  kvPut?: FailsAt;
  /** By the key of the object. */
  archiveGet?: FailsAt;
  archivePut?: FailsAt;
}

/** The test's bindings with the given faults. */
export function faultyBindings(faults: Faults): Cloudflare.Env {
  const message = `D1_ERROR: ${faults.d1Message ?? "Network connection lost."}`;
  const failIf = (fails: FailsAt | undefined) => async (sql: string) => {
    if (fails?.(sql)) throw new Error(message);
  };
  const DB = wrapD1({ before: failIf(faults.d1), after: failIf(faults.d1AnswerLost) });
  return warm({ ...env, DB, KV: faultyKv(env.KV, faults), ARCHIVE: faultyArchive(faults) });
}

function faultyArchive(faults: Faults): R2Bucket {
  const failIf = (fails: FailsAt | undefined, key: string) => {
    if (fails?.(key))
      throw new Error("We encountered an internal error. Please try again. (10001)");
  };
  return {
    get: async (key: string) => {
      failIf(faults.archiveGet, key);
      return env.ARCHIVE.get(key);
    },
    put: async (key: string, content: Uint8Array) => {
      failIf(faults.archivePut, key);
      return env.ARCHIVE.put(key, content);
    },
    createMultipartUpload: async (key: string) => {
      const upload = await env.ARCHIVE.createMultipartUpload(key);
      return {
        abort: () => upload.abort(),
        complete: (parts: R2UploadedPart[]) => upload.complete(parts),
        uploadPart: async (number: number, part: Uint8Array) => {
          failIf(faults.archivePut, `${key} part ${number}`);
          return upload.uploadPart(number, part);
        },
      };
    },
  } as unknown as R2Bucket;
}

function faultyKv(namespace: KVNamespace, faults: Faults): KVNamespace {
  return {
    get: async (key: string, options: KVNamespaceGetOptions<"json">) => {
      if (faults.kvGet?.(key)) throw new Error("KV GET failed: 500 Internal Server Error");
      return namespace.get(key, options);
    },
    put: async (key: string, value: string, options: KVNamespacePutOptions) => {
      if (faults.kvPut?.(key)) throw new Error("KV PUT failed: 429 Too Many Requests");
      return namespace.put(key, value, options);
    },
  } as unknown as KVNamespace;
}
