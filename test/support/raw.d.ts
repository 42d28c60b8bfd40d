declare module "*?raw" {
  const text: string;
  export default text;
}

interface ImportMeta {
  /** The text of the files that match a pattern, read at build time (Vite). */
  glob<T>(
    pattern: string,
    options: { query: "?raw"; import: "default"; eager: true },
  ): Record<string, T>;
}
