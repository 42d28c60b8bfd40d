import { useLocale, useTexts } from "../texts/texts.ts";
import { readDevice } from "./device.ts";

/** What a user agent says about a device, as text. */
export function useDeviceName(): (userAgent: string | null) => string {
  const { origin } = useTexts().account;
  return (userAgent) => {
    const { app, system } = readDevice(userAgent ?? "");
    if (app && system) return origin.appOnSystem(app, system);
    return app ?? system ?? origin.unknownDevice;
  };
}

/** The name of a country by its ISO 3166 code, in the reader's language. */
export function Country({ code }: { code: string | null }) {
  const { language } = useLocale();
  const { origin } = useTexts().account;
  // Codes that are no country's, such as T1 for Tor, are shown as they are.
  const names = new Intl.DisplayNames(language, { type: "region", fallback: "none" });
  const isCode = code !== null && /^[A-Z]{2}$/.test(code);
  return <>{(isCode && names.of(code)) || code || origin.unknownPlace}</>;
}
