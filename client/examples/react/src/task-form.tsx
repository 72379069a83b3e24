import type { Priority, Task, TaskCreate } from "@taskwire/client";
import type { ComponentProps } from "react";
import { useChange, useClient } from "./backend.tsx";
import { Field, FormError, textsOf } from "./field.tsx";

/** Returns a time in the form of a datetime-local input, which has the user's time zone. */
const localTime = (time: string): string => {
  const date = new Date(time);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};

/** Creates a task, or changes or deletes the given one. */
export const TaskForm = ({ task, onDone }: { task?: Task; onDone: () => void }) => {
  const client = useClient();
  const save = useChange(
    (fields: TaskCreate) =>
      task === undefined
        ? client.task.create.mutate(fields)
        : client.task.patch.mutate({ task_id: task.id, ...fields }),
    { onSuccess: onDone },
  );
  const remove = useChange((id: number) => client.task.delete.mutate({ task_id: id }), {
    onSuccess: onDone,
  });
  const submit: ComponentProps<"form">["onSubmit"] = (event) => {
    event.preventDefault();
    const fields = textsOf(event.currentTarget, "title", "description", "priority", "due_date");
    save.mutate({
      title: fields.title,
      description: fields.description || null,
      // Safe: the options below are all priorities.
      priority: fields.priority as Priority,
      due_date: fields.due_date === "" ? null : new Date(fields.due_date).toISOString(),
    });
  };
  return (
    <form onSubmit={submit}>
      <Field label="Title" name="title" error={save.error}>
        {(control) => <input {...control} defaultValue={task?.title} maxLength={200} required />}
      </Field>
      <Field label="Description" name="description" error={save.error}>
        {(control) => (
          <textarea {...control} defaultValue={task?.description ?? ""} maxLength={1000} rows={3} />
        )}
      </Field>
      <div className="columns">
        <Field label="Priority" name="priority" error={save.error}>
          {(control) => (
            <select {...control} defaultValue={task?.priority ?? "medium"}>
              <option value="high">High</option>
              <option value="medium">Medium</option>
              <option value="low">Low</option>
            </select>
          )}
        </Field>
        <Field label="Due" name="due_date" error={save.error}>
          {(control) => (
            <input
              {...control}
              type="datetime-local"
              defaultValue={task?.due_date == null ? "" : localTime(task.due_date)}
            />
          )}
        </Field>
      </div>
      <FormError error={save.error ?? remove.error} />
      <footer>
        {task !== undefined && (
          <button type="button" className="danger" onClick={() => remove.mutate(task.id)}>
            Delete
          </button>
        )}
        <button type="button" onClick={onDone}>
          Cancel
        </button>
        <button className="primary" disabled={save.isPending}>
          Save
        </button>
      </footer>
    </form>
  );
};
