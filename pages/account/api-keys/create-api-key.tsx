import { useState } from "preact/hooks";
import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { faultOf } from "../../shared/problem.ts";
import { useSession } from "../../shared/session.ts";
import { useTexts } from "../../texts/texts.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Checkbox, Field, FieldNotes, Form, Select, textOf, useField } from "../../ui/form.tsx";

/** Scopes that everyone may give: they reach only the owner of the key. */
const SELF_SCOPES = ["me:read", "me:write"];
const DAY_MS = 24 * 60 * 60 * 1000;

/** Another person, for whom a key is created, and the scopes that can be given to it. */
interface KeyOwner {
  id: string;
  scopes: readonly string[];
}

interface CreateProps {
  owner?: KeyOwner;
  /** Gets the new key. */
  onDone: (key: string) => void;
  onClose: () => void;
}

/** Creates a key with scopes that the person has, for themselves or for another person. */
export function CreateApiKey({ owner, onDone, onClose }: CreateProps) {
  const { apiKeys, common } = useTexts();
  const [expiry, setExpiry] = useState("90");
  const send = async (values: FormData) => {
    const scopes = values.getAll("scopes").map(String);
    if (scopes.length === 0) throw faultOf("scopes", apiKeys.scopesMissing);
    const body = {
      name: textOf(values, "name"),
      scopes,
      expires_at: toTime(values),
      ...(owner && { user_id: owner.id }),
    };
    const { key } = await ok(api.POST("/v1/api-keys", { body }));
    onDone(key);
  };
  return (
    <Dialog title={apiKeys.create} onClose={onClose}>
      <Form
        submit={apiKeys.create}
        label={apiKeys.create}
        fields={["name", "scopes", "expires_at"]}
        onSubmit={send}
        onCancel={onClose}
        cancel={common.cancel}
      >
        <Field
          label={apiKeys.name}
          name="name"
          hint={apiKeys.nameHint}
          maxLength={100}
          autoComplete="off"
          required
        />
        <Scopes {...(owner && { owner })} />
        <Select
          label={apiKeys.expires}
          name="expiry"
          value={expiry}
          options={Object.entries(apiKeys.expiries)}
          onChange={(event) => setExpiry(event.currentTarget.value)}
        />
        {expiry === "date" && (
          <Field label={apiKeys.lastDay} name="expires_at" type="date" required />
        )}
      </Form>
    </Dialog>
  );
}

function Scopes({ owner }: Pick<CreateProps, "owner">) {
  const texts = useTexts();
  const { apiKeys } = texts;
  const { id, fault, describedBy } = useField("scopes", true);
  const permissions = [...(useSession()?.permissions ?? [])].toSorted();
  const scopes = owner?.scopes ?? [...SELF_SCOPES, ...permissions];
  const explanations: Readonly<Record<string, string>> = {
    ...texts.permissions,
    ...(owner ? apiKeys.othersSelfScopes : apiKeys.selfScopes),
  };
  return (
    <fieldset aria-describedby={describedBy}>
      <legend>{apiKeys.scopes}</legend>
      <FieldNotes
        id={id}
        hint={permissions.length > 0 ? apiKeys.scopesHint : apiKeys.ownScopesHint}
        fault={fault}
      />
      {scopes.map((scope) => (
        <Checkbox
          key={scope}
          name="scopes"
          value={scope}
          label={
            <>
              <code>{scope}</code>{" "}
              <span class="hint">{explanations[scope] ?? apiKeys.ofApplication}</span>
            </>
          }
        />
      ))}
    </fieldset>
  );
}

/** When the key expires; null for never. A day is included. */
function toTime(values: FormData): string | null {
  const expiry = textOf(values, "expiry");
  if (expiry === "never") return null;
  if (expiry !== "date") return new Date(Date.now() + Number(expiry) * DAY_MS).toISOString();
  const day = textOf(values, "expires_at");
  // A day that is missing is left to the service to refuse.
  return day ? new Date(`${day}T23:59:59`).toISOString() : "";
}
