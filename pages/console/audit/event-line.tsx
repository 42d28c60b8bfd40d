import { Fragment } from "preact";
import { useSession } from "../../shared/session.ts";
import { useTexts } from "../../texts/texts.ts";
import { Time } from "../../ui/time.tsx";
import { Changes } from "./changes.tsx";
import { type AuditEvent, toAddress } from "./data.ts";
import { findActingUser } from "./names.ts";

interface EventProps {
  event: AuditEvent;
  names: ReadonlyMap<string, string>;
}

/** An event in one line that opens: who did what to whom, when, and from where. */
export function EventLine({ event, names }: EventProps) {
  const { audit: texts, activity } = useTexts();
  const { action, created_at, ip } = event;
  return (
    <details class="event">
      <summary>
        <span class="when">
          <Time at={created_at} hasSeconds />
        </span>{" "}
        <span class="what">
          <strong>{activity.actions[action] ?? action}</strong> <Who event={event} names={names} />
          {event.erased && <span class="tag">{texts.erased}</span>}
          <Changes changes={event.changes} />
        </span>{" "}
        <span class="where">{ip}</span>
      </summary>
      <Details event={event} names={names} />
    </details>
  );
}

function Who({ event, names }: EventProps) {
  const { audit: texts } = useTexts();
  const { target_type, target_id, actor_type } = event;
  const user = findActingUser(event);
  const isSelf = target_type === "user" && target_id === user;
  return (
    <>
      {actor_type === "anonymous" && !target_id && texts.byAnonymous}
      {actor_type === "system" && texts.bySystem}
      {user && actor_type === "user" && texts.by}
      {user && actor_type === "api_key" && texts.byKey} {user && <Person id={user} names={names} />}
      {target_id && !isSelf && (
        <>
          {actor_type !== "anonymous" && ", "}
          {texts.concerning} <Target event={event} names={names} />
        </>
      )}
    </>
  );
}

function Target({ event: { target_type, target_id }, names }: EventProps) {
  const { audit: texts } = useTexts();
  if (!target_id) return null;
  if (target_type === "user") return <Person id={target_id} names={names} />;
  if (target_type === "role") return <Named kind={texts.role} name={target_id} />;
  if (target_type === "permission") return <Named kind={texts.permission} name={target_id} />;
  return target_type === "api_key" ? <Named kind={texts.apiKey} name={shorten(target_id)} /> : null;
}

function Named({ kind, name }: { kind: string; name: string }) {
  return (
    <>
      {kind} <b>{name}</b>
    </>
  );
}

/** A user: their name if it is known, else the end of their id, which differs between users of the same second. */
function Person({ id, names }: { id: string; names: ReadonlyMap<string, string> }) {
  const { audit: texts } = useTexts();
  const session = useSession();
  if (id === session?.userId) return <b>{texts.you}</b>;
  const name = names.get(id);
  return name ? <b>{name}</b> : <Named kind={texts.user} name={shorten(id)} />;
}

function shorten(id: string): string {
  return `…${id.slice(-12)}`;
}

function Details({ event, names }: EventProps) {
  const { audit: texts, common } = useTexts();
  const mayReadUsers = useSession()?.permissions.has("users:read");
  const { actor_id, actor_type, target_id, target_type, metadata } = event;
  const facts: [string, string | null][] = [
    [texts.time, event.created_at],
    [texts.code, event.action],
    [texts.ip, event.ip],
    [texts.userAgent, event.user_agent],
    [texts.requestId, event.request_id],
    [texts.id, event.id],
    ...Object.entries(metadata).map(([name, value]): [string, string] => [name, toText(value)]),
  ];
  const toUser = (id: string | null, isUser: boolean) =>
    id && isUser && mayReadUsers ? (
      <a href={`/console/users/${id}`}>{names.get(id) ?? id}</a>
    ) : (
      (id ?? common.unknown)
    );
  return (
    <dl class="facts">
      <dt>{texts.actorId}</dt>
      <dd>
        {actor_type} {actor_id && toUser(actor_id, actor_type === "user")}{" "}
        {actor_id && <a href={toAddress({ actor_id })}>{texts.onlyThisActor}</a>}
      </dd>
      {target_id && (
        <>
          <dt>{texts.targetId}</dt>
          <dd>
            {target_type} {toUser(target_id, target_type === "user")}{" "}
            <a href={toAddress({ target_id })}>{texts.onlyThisTarget}</a>
          </dd>
        </>
      )}
      {facts.map(([name, value]) => (
        <Fragment key={name}>
          <dt>{name}</dt>
          <dd>{value ?? common.unknown}</dd>
        </Fragment>
      ))}
    </dl>
  );
}

function toText(value: unknown): string {
  if (Array.isArray(value)) return value.map(toText).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}
