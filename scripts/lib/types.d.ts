// What the worker's WebCrypto has beyond the standard, for the modules of src that scripts use.
interface SubtleCrypto {
  timingSafeEqual(a: ArrayBufferView, b: ArrayBufferView): boolean;
}
