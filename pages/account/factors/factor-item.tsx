import { useState } from "preact/hooks";
import { type components, ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { Confirm, Dialog } from "../../ui/dialog.tsx";
import { Field, Form, textOf } from "../../ui/form.tsx";
import { Time } from "../../ui/time.tsx";

interface ItemProps {
  factor: components["schemas"]["Factor"];
  onChanged: (text: string) => void;
}

/** A second factor in the list, to rename or remove. */
export function FactorItem({ factor, onChanged }: ItemProps) {
  const { factors, ownFactors } = useTexts();
  const [asks, setAsks] = useState<"rename" | "remove">();
  const { id, name, type } = factor;
  const close = () => setAsks(undefined);
  const remove = async () => {
    await ok(api.DELETE("/v1/auth/factors/{id}", { params: { path: { id } } }));
    onChanged(ownFactors.removed(name));
  };
  return (
    <li>
      <div>
        <h2>
          {name} <span class="tag">{factors[type]}</span>
        </h2>
        <dl class="facts">
          <dt>{ownFactors.lastUsed}</dt>
          <dd>
            <Time at={factor.last_used_at} />
          </dd>
          <dt>{ownFactors.created}</dt>
          <dd>
            <Time at={factor.created_at} />
          </dd>
          {factor.backed_up !== null && (
            <>
              <dt>{ownFactors.kept}</dt>
              <dd>{factor.backed_up ? ownFactors.synced : ownFactors.notSynced}</dd>
            </>
          )}
        </dl>
      </div>
      <fieldset class="actions" aria-label={name}>
        <button type="button" onClick={() => setAsks("rename")}>
          {ownFactors.rename}
        </button>
        <button type="button" onClick={() => setAsks("remove")}>
          {ownFactors.remove}
        </button>
      </fieldset>
      {asks === "rename" && <Rename factor={factor} onChanged={onChanged} onClose={close} />}
      {asks === "remove" && (
        <Confirm
          title={ownFactors.removeTitle(name)}
          confirm={ownFactors.remove}
          onConfirm={remove}
          onClose={close}
        >
          <p>{ownFactors.removeWarning}</p>
        </Confirm>
      )}
    </li>
  );
}

function Rename({ factor, onChanged, onClose }: ItemProps & { onClose: () => void }) {
  const { common, ownFactors } = useTexts();
  const params = { path: { id: factor.id } };
  const send = async (values: FormData) => {
    const body = { name: textOf(values, "name") };
    await ok(api.PATCH("/v1/auth/factors/{id}", { params, body }));
    onClose();
    onChanged(common.saved);
  };
  return (
    <Dialog title={ownFactors.renameTitle(factor.name)} onClose={onClose}>
      <Form
        submit={common.save}
        fields={["name"]}
        onSubmit={send}
        onCancel={onClose}
        cancel={common.cancel}
      >
        <Field
          label={ownFactors.name}
          name="name"
          defaultValue={factor.name}
          maxLength={100}
          autoComplete="off"
          required
        />
      </Form>
    </Dialog>
  );
}
