import { useLocation } from "preact-iso";
import { useTexts } from "../../texts/texts.ts";
import { toAddress } from "./data.ts";

interface Props {
  /** What else the address says. */
  values: Readonly<Record<string, string | undefined>>;
  next: string | null;
}

/** Links to the first page and to the next one. */
export function PageLinks({ values, next }: Props) {
  const { audit: texts, common } = useTexts();
  const { query } = useLocation();
  return (
    <div class="actions">
      {query.cursor && (
        <a class="button" href={toAddress(values)}>
          {texts.newest}
        </a>
      )}
      {next && (
        <a class="button" href={toAddress({ ...values, cursor: next })}>
          {common.next}
        </a>
      )}
    </div>
  );
}
