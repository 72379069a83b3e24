import type { Tag, TagWrite, Task } from "@taskwire/client";
import type { ComponentProps } from "react";
import { useChange, useClient } from "./backend.tsx";
import { ErrorMessage } from "./error-message.tsx";
import { Field, FormError, textsOf } from "./field.tsx";
import { useTags } from "./use-tags.ts";

const TagCheckbox = ({ task, tag }: { task: Task; tag: Tag }) => {
  const client = useClient();
  const input = { task_id: task.id, tag_id: tag.id };
  const change = useChange(
    async (on: boolean) =>
      on ? client.task.addTag.mutate(input) : client.task.removeTag.mutate(input),
    { scope: `task ${task.id}` },
  );
  const isOn = task.tags.some(({ id }) => id === tag.id);
  return (
    <>
      <label className="tag">
        <input
          type="checkbox"
          checked={change.isPending ? change.variables : isOn}
          onChange={({ target }) => change.mutate(target.checked)}
        />
        <i style={{ background: tag.color ?? "currentColor" }} />
        {tag.name}
      </label>
      <ErrorMessage error={change.error} />
    </>
  );
};

/** Sets the tags of a task, and creates new ones. */
export const TagEditor = ({ task }: { task: Task }) => {
  const client = useClient();
  const tags = useTags();
  const create = useChange(async (fields: TagWrite) => {
    const tag = await client.tag.create.mutate(fields);
    await client.task.addTag.mutate({ task_id: task.id, tag_id: tag.id });
  });
  const submit: ComponentProps<"form">["onSubmit"] = (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    create.mutate(textsOf(form, "name", "color"), { onSuccess: () => form.reset() });
  };
  return (
    <>
      <ErrorMessage error={tags.error} onRetry={() => void tags.refetch()} />
      {tags.data?.length === 0 && <p className="hint">There are no tags yet. Create the first.</p>}
      <div className="tags">
        {tags.data?.map((tag) => (
          <TagCheckbox key={tag.id} task={task} tag={tag} />
        ))}
      </div>
      <form onSubmit={submit}>
        <div className="new-tag">
          <Field label="New tag" name="name" error={create.error}>
            {(control) => <input {...control} maxLength={50} required />}
          </Field>
          <Field label="Colour" name="color" error={create.error}>
            {(control) => <input {...control} type="color" defaultValue="#2f9e83" />}
          </Field>
          <button disabled={create.isPending}>Add</button>
        </div>
        <FormError error={create.error} />
      </form>
    </>
  );
};
