declare module "*?raw" {
  const text: string;
  export default text;
}

interface ImportMeta {
  /** Files by pattern, read when the test is built (vite). */
  glob<T>(
    pattern: string,
    options: { query: "?raw"; import: "default"; eager: true },
  ): Record<string, T>;
}
