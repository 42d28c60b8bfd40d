import { describe, expect, it } from "vitest";
import { mapPages, writeJson } from "../../src/lib/json-stream.ts";

async function* pagesOf<T>(...pages: T[][]): AsyncGenerator<T[]> {
  for (const page of pages) yield page;
}

async function piecesOf(document: object): Promise<string[]> {
  const pieces: string[] = [];
  for await (const piece of writeJson(document)) pieces.push(piece);
  return pieces;
}

describe("writeJson", () => {
  it.each([
    ["an empty document", {}],
    ["values and lists", { a: 1, b: null, c: [1, { d: '"\n\u2028' }], "e\\": "f" }],
  ])("writes %s like JSON.stringify", async (_, document) => {
    expect((await piecesOf(document)).join("")).toBe(JSON.stringify(document));
  });

  it("writes paged lists as arrays, first, last, empty and side by side", async () => {
    const document = {
      first: pagesOf([1, 2], [3]),
      value: true,
      empty: pagesOf(),
      last: pagesOf([{ a: "," }], [{ a: "]" }]),
    };
    const expected = { first: [1, 2, 3], value: true, empty: [], last: [{ a: "," }, { a: "]" }] };
    expect((await piecesOf(document)).join("")).toBe(JSON.stringify(expected));
  });

  it("ends a piece with each page", async () => {
    expect(await piecesOf({ list: pagesOf([1, 2], [3]) })).toEqual(['{"list":[1,2', ",3", "]}"]);
  });

  it("fails if a page fails", async () => {
    const failing = mapPages(pagesOf([1], [2]), (item) => {
      if (item === 2) throw new Error("no page");
      return item;
    });
    await expect(piecesOf({ list: failing })).rejects.toThrow("no page");
  });
});
