type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Objects that are written once and kept. */
export interface Archive {
  /**
   * Stores an object. It appears as a whole, or not at all if `content` or the store fails. No more than two parts of 8 MiB are in
   * memory.
   */
  put(key: string, content: Chunks): Promise<void>;
  /** The content of an object; undefined if there is none. */
  get(key: string): Promise<ReadableStream<Uint8Array> | undefined>;
}

/** R2 needs to know the length of what it stores. All parts of an object but the last must have the same, at least 5 MiB. */
const PART_BYTES = 8 * 1024 * 1024;

/** Wraps an R2 bucket. */
export function createArchive(bucket: R2Bucket): Archive {
  return {
    async put(key, content) {
      const parts = cut(content, PART_BYTES);
      const { value: first = new Uint8Array() } = await parts.next();
      const second = await parts.next();
      if (second.done) {
        await bucket.put(key, first);
        return;
      }
      await putParts(await bucket.createMultipartUpload(key), [first, second.value], parts);
    },
    async get(key) {
      return (await bucket.get(key))?.body;
    },
  };
}

async function putParts(
  upload: R2MultipartUpload,
  first: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
): Promise<void> {
  const uploaded: R2UploadedPart[] = [];
  const send = async (part: Uint8Array) => {
    uploaded.push(await upload.uploadPart(uploaded.length + 1, part));
  };
  try {
    for (const part of first) await send(part);
    for await (const part of rest) await send(part);
    await upload.complete(uploaded);
  } catch (error) {
    // Best effort: R2 removes parts without an object after a week.
    await upload.abort().catch(() => undefined);
    throw error;
  }
}

/** Cuts chunks into parts of equal size; the last one is smaller. */
async function* cut(chunks: Chunks, size: number): AsyncGenerator<Uint8Array, undefined> {
  let part = new Uint8Array(size);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; ) {
      const taken = chunk.subarray(at, at + size - filled);
      part.set(taken, filled);
      filled += taken.byteLength;
      at += taken.byteLength;
      if (filled < size) continue;
      yield part;
      part = new Uint8Array(size);
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}
