import type { TaskListInput } from "@taskwire/client";
import { useState } from "react";
import { Dialog } from "./dialog.tsx";
import { Filters } from "./filters.tsx";
import { TaskForm } from "./task-form.tsx";
import { TaskList } from "./task-list.tsx";

const noFilters: TaskListInput = { sort: "-created_at" };

/** The tasks, with what selects and creates them. */
export const Tasks = () => {
  const [filters, setFilters] = useState(noFilters);
  const [isCreating, setIsCreating] = useState(false);
  return (
    <>
      <div className="title">
        {/* Receives the focus when the task that had it is gone. */}
        <h1 tabIndex={-1}>Tasks</h1>
        <button type="button" className="primary" onClick={() => setIsCreating(true)}>
          New task
        </button>
      </div>
      <Filters filters={filters} onChange={setFilters} />
      <TaskList filters={filters} onClear={() => setFilters(noFilters)} />
      {isCreating && (
        <Dialog title="New task" onClose={() => setIsCreating(false)}>
          <TaskForm onDone={() => setIsCreating(false)} />
        </Dialog>
      )}
    </>
  );
};
