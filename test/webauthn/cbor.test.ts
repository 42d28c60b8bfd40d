import { describe, expect, it } from "vitest";
import { decodeCborMap } from "../../src/lib/webauthn/cbor.ts";

const bytes = (hex: string) =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

describe("a CBOR map", () => {
  it("is decoded with its length, whatever follows", () => {
    const expected = new Map<unknown, unknown>([
      [1, 2],
      ["a", Uint8Array.of(7)],
    ]);
    expect(decodeCborMap(bytes("a2010261614107ffff"))).toEqual({ map: expected, byteLength: 7 });
  });

  it.each([
    ["nothing", ""],
    ["an array", "8101"],
    ["a number", "01"],
    ["a duplicate key", "a201020103"],
    ["a duplicate text key", "a2616101616102"],
    ["a key that is a map", "a1a001"],
    ["a key that is bytes", "a1410101"],
    ["a map of indefinite length", "bf0102ff"],
    ["an array of indefinite length", "a1019f01ff"],
    ["bytes of indefinite length", "a1015f4101ff"],
    ["text of indefinite length", "a1017f6161ff"],
    ["a break", "a101ff"],
    ["a length in more bytes than necessary", "b8010102"],
    ["a number in more bytes than necessary", "a1180102"],
    ["a reserved length", "bc0102"],
    ["a missing value", "a101"],
    ["a missing entry", "a20102"],
    ["bytes that end behind the data", "a1014401"],
    ["text that ends behind the data", "a101646161"],
    ["bytes of 2^64 - 1", "a1015bffffffffffffffff"],
    ["an array of 2^32 - 1", "a1019affffffff"],
    ["a map of 2^64 - 1", "bbffffffffffffffff"],
    ["a number that is cut", "a1011a0000"],
  ])("that is %s is malformed", (_, hex) => {
    expect(decodeCborMap(bytes(hex))).toBeUndefined();
  });

  it("does not reach behind the part of a buffer that it is given", () => {
    const buffer = bytes("a1014401020304");
    expect(decodeCborMap(buffer)).toBeDefined();
    expect(decodeCborMap(buffer.subarray(0, 5))).toBeUndefined();
  });

  it("nested deeper than the stack is malformed", () => {
    const nested = new Uint8Array(24_576).fill(0x81);
    expect(decodeCborMap(Uint8Array.of(0xa1, 0x01, ...nested))).toBeUndefined();
  });
});
