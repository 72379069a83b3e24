import type { Task } from "@taskwire/client";
import { useState } from "react";
import { useChange, useClient } from "./backend.tsx";
import { Dialog } from "./dialog.tsx";
import { ErrorMessage } from "./error-message.tsx";
import { TagEditor } from "./tag-editor.tsx";
import { TaskForm } from "./task-form.tsx";

/** When the element is removed while it has the focus, the heading of the page gets it. */
const keepFocus = (element: HTMLElement | null) => () => {
  if (element?.contains(document.activeElement)) document.querySelector("h1")?.focus();
};

const dateFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

const isOverdue = ({ completed, due_date }: Task): boolean =>
  !completed && due_date !== null && new Date(due_date) < new Date();

const DueDate = ({ task }: { task: Task }) => {
  if (task.due_date === null) return null;
  const [className, label] = isOverdue(task) ? ["overdue", "Overdue:"] : ["", "Due"];
  return (
    <time dateTime={task.due_date} className={className}>
      {label} {dateFormat.format(new Date(task.due_date))}
    </time>
  );
};

/** One task of the list. */
export const TaskItem = ({ task }: { task: Task }) => {
  const client = useClient();
  const [open, setOpen] = useState<"edit" | "tags">();
  const close = () => setOpen(undefined);
  const complete = useChange(
    (completed: boolean) => client.task.patch.mutate({ task_id: task.id, completed }),
    { scope: `task ${task.id}` },
  );
  // Optimistic: shows the new state until the server has responded. After an error, it shows the old one again.
  const completed = complete.isPending ? complete.variables : task.completed;
  return (
    <li ref={keepFocus} className={completed ? "task done" : "task"}>
      <input
        type="checkbox"
        aria-label={`Complete ${task.title}`}
        checked={completed}
        onChange={({ target }) => complete.mutate(target.checked)}
      />
      <div className="task-text">
        <h2>{task.title}</h2>
        {task.description !== null && <p>{task.description}</p>}
        <p className="details">
          {task.priority !== "medium" && (
            <span className={`priority ${task.priority}`}>{task.priority} priority</span>
          )}
          <DueDate task={task} />
          {task.tags.map((tag) => (
            <span key={tag.id} className="tag">
              <i style={{ background: tag.color ?? "currentColor" }} />
              {tag.name}
            </span>
          ))}
        </p>
        <ErrorMessage error={complete.error} />
      </div>
      <div className="actions">
        <button
          type="button"
          className="quiet"
          aria-label={`Tag ${task.title}`}
          onClick={() => setOpen("tags")}
        >
          Tag
        </button>
        <button
          type="button"
          className="quiet"
          aria-label={`Edit ${task.title}`}
          onClick={() => setOpen("edit")}
        >
          Edit
        </button>
      </div>
      {open === "edit" && (
        <Dialog title="Edit task" onClose={close}>
          <TaskForm task={task} onDone={close} />
        </Dialog>
      )}
      {open === "tags" && (
        <Dialog title={`Tags of ${task.title}`} onClose={close}>
          <TagEditor task={task} />
        </Dialog>
      )}
    </li>
  );
};
