import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import type { TaskListInput } from "@taskwire/client";
import { useDebounced } from "./use-debounced.ts";
import { useClient } from "./backend.tsx";
import { ErrorMessage } from "./error-message.tsx";
import { TaskItem } from "./task-item.tsx";

/** Calls the function each time that the element is scrolled into view. */
const whenVisible = (call: () => void) => (element: Element | null) => {
  const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && call(), {
    rootMargin: "300px",
  });
  if (element !== null) observer.observe(element);
  return () => observer.disconnect();
};

/** Loads the tasks that match, page after page. */
const useTasks = (filters: TaskListInput) => {
  const client = useClient();
  return useInfiniteQuery({
    queryKey: ["tasks", filters],
    queryFn: ({ pageParam, signal }) =>
      client.task.list.query({ ...filters, cursor: pageParam }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  });
};

interface Props {
  filters: TaskListInput;
  onClear: () => void;
}

/** The tasks that match the filters. The next page is loaded when its button is scrolled into view. */
export const TaskList = ({ filters, onClear }: Props) => {
  const tasks = useTasks(useDebounced(filters));
  if (tasks.isPending)
    return (
      <div className="tasks loading" role="status">
        <span className="unseen">Loading tasks…</span>
      </div>
    );
  if (tasks.data === undefined)
    return <ErrorMessage error={tasks.error} onRetry={() => void tasks.refetch()} />;

  const items = tasks.data.pages.flatMap((page) => page.items);
  const total = tasks.data.pages.at(-1)?.total ?? 0;
  const isNarrowed = Object.values({ ...filters, sort: undefined }).some(Boolean);
  return (
    <>
      <p className="hint" role="status">
        {total > 0 && (total === 1 ? "1 task" : `${total} tasks`)}
      </p>
      <ErrorMessage error={tasks.error} onRetry={() => void tasks.refetch()} />
      {items.length === 0 && (
        <div className="empty">
          <h2>{isNarrowed ? "No task matches" : "Nothing to do yet"}</h2>
          {isNarrowed ? (
            <button type="button" onClick={onClear}>
              Clear the filters
            </button>
          ) : (
            <p>Create your first task, and it appears here.</p>
          )}
        </div>
      )}
      <ul className="tasks" aria-label="Tasks" aria-busy={tasks.isPlaceholderData}>
        {items.map((task) => (
          <TaskItem key={task.id} task={task} />
        ))}
      </ul>
      {tasks.hasNextPage && (
        <button
          type="button"
          className="more"
          disabled={tasks.isFetchingNextPage}
          ref={
            tasks.isFetching || tasks.isError ? null : whenVisible(() => void tasks.fetchNextPage())
          }
          onClick={() => void tasks.fetchNextPage()}
        >
          {tasks.isFetchingNextPage ? "Loading…" : "Load more"}
        </button>
      )}
    </>
  );
};
