import { useLocale, useTexts } from "../texts/texts.ts";

/** A point in time, in the reader's language and time zone. `null` is shown as "never". */
export function Time({ at }: { at: string | null | undefined }) {
  const { language } = useLocale();
  const { common } = useTexts();
  if (!at) return <>{common.never}</>;
  const format = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  return <time dateTime={at}>{format.format(new Date(at))}</time>;
}
