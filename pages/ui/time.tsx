import { useLocale, useTexts } from "../texts/texts.ts";

interface TimeProps {
  at: string | null | undefined;
  hasSeconds?: boolean;
}

/** A point in time, in the reader's language and time zone. `null` is shown as "never". */
export function Time({ at, hasSeconds = false }: TimeProps) {
  const { language } = useLocale();
  const { common } = useTexts();
  if (!at) return <>{common.never}</>;
  const format = new Intl.DateTimeFormat(language, {
    dateStyle: "medium",
    timeStyle: hasSeconds ? "medium" : "short",
  });
  return <time dateTime={at}>{format.format(new Date(at))}</time>;
}

/** The day of a point in time, as `Time` shows it, where the hour says little. */
export function Day({ at }: Pick<TimeProps, "at">) {
  const { language } = useLocale();
  const { common } = useTexts();
  if (!at) return <>{common.never}</>;
  const format = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
  return <time dateTime={at}>{format.format(new Date(at))}</time>;
}
