import { describe, expect, it } from "vitest";
import { toNetwork, toSubscriber } from "../../src/lib/address.ts";

describe("toSubscriber", () => {
  it("returns an IPv4 address unchanged", () => {
    expect(toSubscriber("203.0.113.7")).toBe("203.0.113.7");
  });

  it.each([
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8:0:0:1::", "2001:db8:0:0::/64"],
    ["2001:db8:0:1::", "2001:db8:0:1::/64"],
    ["fe80::1", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
  ])("maps %s to %s", (address, subscriber) => {
    expect(toSubscriber(address)).toBe(subscriber);
  });

  it("maps an IPv4-mapped IPv6 address to its IPv4 address", () => {
    expect(toSubscriber("::ffff:203.0.113.7")).toBe("203.0.113.7");
    expect(toSubscriber("::FFFF:203.0.113.8")).toBe("203.0.113.8");
  });

  it.each(["unknown", "", "1:2:3", "not:an:address", "[::1]"])(
    "returns %j, which is not an address, unchanged",
    (text) => {
      expect(toSubscriber(text)).toBe(text);
    },
  );
});

describe("toNetwork", () => {
  it.each([
    ["203.0.113.7", "203.0.113.0/24"],
    ["::ffff:203.0.113.8", "203.0.113.0/24"],
    ["::ffff:cb00:7108", "203.0.113.0/24"],
    ["0:0:0:0:0:FFFF:203.0.113.8", "203.0.113.0/24"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"],
    ["2001:db8::1", "2001:db8:0::/48"],
    ["::1", "0:0:0::/48"],
    ["", "unknown"],
    ["not an address", "unknown"],
    ["1:2:3", "unknown"],
  ])("maps %j to %s", (address, network) => {
    expect(toNetwork(address)).toBe(network);
  });
});
