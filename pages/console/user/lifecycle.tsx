import { useLocation } from "preact-iso";
import { ok, okWithTag } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { saveFile } from "../../ui/save-file.ts";
import { Task } from "./task.tsx";
import type { SectionProps } from "./user.tsx";

/** Export, deletion, restoration and erasure of an account. */
export function Lifecycle({ user, access, onChange, reload }: SectionProps) {
  const { lifecycle } = useTexts().user;
  const { route } = useLocation();
  const params = { path: { id: user.id } };
  const { exports, deletes, restores, erases } = access;
  if (!exports && !deletes && !restores && !erases) return null;
  const download = async () => {
    const query = access.isDeleted ? { deleted: true } : {};
    const data = await ok(api.GET("/v1/users/{id}/export", { params: { ...params, query } }));
    const text = JSON.stringify(data, null, 2);
    saveFile(`${user.username}.json`, text, "application/json");
  };
  const remove = async () => {
    await ok(api.DELETE("/v1/users/{id}", { params }));
    reload();
  };
  const restore = async () =>
    onChange(await okWithTag(api.POST("/v1/users/{id}/restore", { params })));
  const erase = async () => {
    await ok(api.POST("/v1/users/{id}/erase", { params }));
    route("/console/users");
  };
  return (
    <section class="card">
      <h2>{lifecycle.title}</h2>
      <ul class="tasks">
        {exports && (
          <Task {...lifecycle.export} onRun={download}>
            {lifecycle.export.effect}
          </Task>
        )}
        {restores && (
          <Task {...lifecycle.restore} onRun={restore}>
            {lifecycle.restore.effect}
          </Task>
        )}
        {deletes && (
          <Task {...lifecycle.delete} onRun={remove} name={user.username}>
            {lifecycle.delete.effect}
          </Task>
        )}
        {erases && (
          <Task {...lifecycle.erase} onRun={erase} name={user.username}>
            {lifecycle.erase.effect}
          </Task>
        )}
      </ul>
    </section>
  );
}
