import type { TaskListInput } from "@taskwire/client";
import { useTags } from "./use-tags.ts";

const statuses = { "": "All tasks", pending: "To do", completed: "Done" };
const priorities = { "": "Any priority", high: "High", medium: "Medium", low: "Low" };
const orders = {
  "-created_at": "Newest first",
  created_at: "Oldest first",
  due_date: "Due first",
  "-priority": "Highest priority",
  title: "Title",
};

interface Props {
  filters: TaskListInput;
  onChange: (filters: TaskListInput) => void;
}

/** What the list shows, and in which order. An empty text means no filter. */
export const Filters = ({ filters, onChange }: Props) => {
  const tags = useTags();
  const tagNames = Object.fromEntries((tags.data ?? []).map(({ id, name }) => [id, name]));
  const select = (label: string, name: keyof TaskListInput, options: Record<string, string>) => (
    <select
      aria-label={label}
      value={filters[name] ?? ""}
      onChange={({ target }) => onChange({ ...filters, [name]: target.value || undefined })}
    >
      {Object.entries(options).map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
  return (
    <div role="search" className="filters">
      <input
        type="search"
        aria-label="Search tasks"
        placeholder="Search tasks"
        maxLength={100}
        value={filters.q ?? ""}
        onChange={({ target }) => onChange({ ...filters, q: target.value || undefined })}
      />
      {select("Status", "status", statuses)}
      {select("Priority", "priority", priorities)}
      {select("Tag", "tag", { "": "Any tag", ...tagNames })}
      {select("Order", "sort", orders)}
    </div>
  );
};
