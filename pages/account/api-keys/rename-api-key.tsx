import { okWithTag } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { EditForm, toTexts } from "../../ui/edit-form.tsx";
import { Field } from "../../ui/form.tsx";
import { Show, useLoad } from "../../ui/load.tsx";

interface RenameProps {
  id: string;
  onDone: () => void;
  onClose: () => void;
}

/** Changes the name of a key. */
export function RenameApiKey({ id, onDone, onClose }: RenameProps) {
  const { apiKeys } = useTexts();
  const path = { id };
  const load = () => okWithTag(api.GET("/v1/api-keys/{id}", { params: { path } }));
  const apiKey = useLoad(load, [id]);
  return (
    <Dialog title={apiKeys.rename} onClose={onClose}>
      <Show of={apiKey}>
        {(version) => (
          <EditForm
            label={apiKeys.rename}
            version={version}
            labels={{ name: apiKeys.name }}
            toValues={(data) => toTexts(data, ["name"])}
            load={load}
            save={(body, { etag }) =>
              okWithTag(
                api.PATCH("/v1/api-keys/{id}", {
                  params: { path, header: { "If-Match": etag } },
                  body,
                }),
              )
            }
            onChange={onDone}
            onCancel={onClose}
          >
            {(field) => <Field {...field("name")} maxLength={100} autoComplete="off" required />}
          </EditForm>
        )}
      </Show>
    </Dialog>
  );
}
