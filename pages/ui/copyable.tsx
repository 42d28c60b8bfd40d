import { useState } from "preact/hooks";
import { useTexts } from "../texts/texts.ts";

/** A secret or id that is shown once, with a button that copies it. */
export function Copyable({ text, label }: { text: string; label: string }) {
  const { common } = useTexts();
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return (
    <p class="copyable">
      <span class="hidden">{label}: </span>
      <code>{text}</code>
      <button type="button" onClick={copy}>
        {isCopied ? common.copied : common.copy}
      </button>
    </p>
  );
}
