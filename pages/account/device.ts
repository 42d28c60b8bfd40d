// What a person is told about a device: the browser and the system that its user agent names. Versions tell people little.

interface Device {
  app: string | undefined;
  system: string | undefined;
}

// In order: most browsers also name those that they descend from.
const APPS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:e|A|iOS)?\//, "Edge"],
  [/\bOPR\/|\bOpera\b/, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bVivaldi\//, "Vivaldi"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\bHeadlessChrome\//, "Chrome"],
  [/\b(?:Chrome|CriOS)\//, "Chrome"],
  [/\bChromium\//, "Chromium"],
  [/\bVersion\/.*\bSafari\//, "Safari"],
];

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];

/** A tool or application, such as `curl/8.7.1` and `MyApp`. */
const PRODUCT = /^([\w.-]{1,40})(?:\/|$)/;

/** Reads a user agent. What it does not know is undefined. */
export function readDevice(userAgent: string): Device {
  const find = (table: typeof APPS) => table.find(([pattern]) => pattern.test(userAgent))?.[1];
  const product = PRODUCT.exec(userAgent)?.[1];
  const app = find(APPS) ?? (product === "Mozilla" ? undefined : product);
  return { app, system: find(SYSTEMS) };
}
