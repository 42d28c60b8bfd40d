// The nonstandard WebCrypto methods of the worker that modules of src use, for scripts that import them.
interface SubtleCrypto {
  timingSafeEqual(a: ArrayBufferView, b: ArrayBufferView): boolean;
}
