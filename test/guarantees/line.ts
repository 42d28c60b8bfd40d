/**
 * A line of the guarantees: its id, what is promised, words of it that the full name of one of its tests must have (separated by
 * commas), and its tests.
 *
 * A test is `file: name`, where the file is relative to test/ and without its extension, and the name is the whole name, or its last
 * part if that is unique in the file. A repeated test has its pattern as name, and one of its cases may follow in `«…»`. Of a script
 * in test/e2e, the name is a text that it prints.
 */
export type Line = readonly [
  id: string,
  promise: string,
  words: string,
  ...tests: readonly string[],
];

/** Lines that belong together. */
export interface Section {
  title: string;
  lines: readonly Line[];
}
