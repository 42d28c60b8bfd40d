import { useState } from "preact/hooks";
import { settings } from "../shared/settings.ts";
import { useTexts } from "../texts/texts.ts";
import { Notice } from "../ui/notice.tsx";
import { saveFile } from "../ui/save-file.ts";

interface RecoveryCodesProps {
  codes: readonly string[];
  /** Called when the person says that they have kept the codes, which cannot be shown again. */
  onDone: () => void;
}

/** Shows new recovery codes, once, to copy or download. */
export function RecoveryCodes({ codes, onDone }: RecoveryCodesProps) {
  const { common, factors } = useTexts();
  const [isCopied, setCopied] = useState(false);
  const text = `${codes.join("\n")}\n`;
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  const download = () => {
    const intro = factors.recoveryCodesFile(settings.app_name, location.host);
    saveFile("recovery-codes.txt", `${intro}\n\n${text}`, "text/plain");
  };
  return (
    <>
      <Notice kind="warning">
        <p>{factors.recoveryCodesIntro}</p>
      </Notice>
      <ol class="recovery-codes" aria-label={factors.recoveryCodes}>
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <div class="actions">
        <button type="button" onClick={copy}>
          {isCopied ? common.copied : common.copy}
        </button>
        <button type="button" onClick={download}>
          {common.download}
        </button>
        <button type="button" class="primary" onClick={onDone}>
          {factors.kept}
        </button>
      </div>
    </>
  );
}
