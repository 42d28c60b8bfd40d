import { useTexts } from "../../texts/texts.ts";
import { Copyable } from "../../ui/copyable.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Notice } from "../../ui/notice.tsx";

/** Shows a new key, once. */
export function NewKey({ text, onClose }: { text: string; onClose: () => void }) {
  const { apiKeys } = useTexts();
  return (
    <Dialog title={apiKeys.newKey} onClose={onClose}>
      <Notice kind="warning">{apiKeys.newKeyWarning}</Notice>
      <Copyable text={text} label={apiKeys.newKey} />
      <p>
        {apiKeys.use} <code>X-API-Key</code>
      </p>
      <div class="actions">
        <button type="button" class="primary" onClick={onClose}>
          {apiKeys.kept}
        </button>
      </div>
    </Dialog>
  );
}
