import { Initial } from "./20261121000000_initial.ts";
import { TaskOrder } from "./20261121010000_task_order.ts";
import { Sessions } from "./20261121020000_sessions.ts";
import { TagLimit } from "./20261121030000_tag_limit.ts";
import { RotationHistory } from "./20261121040000_rotation_history.ts";
import { TaskCounts } from "./20261122000000_task_counts.ts";

/** Every migration, oldest first. Only the migrations of this list run: the folder is not scanned. */
export const migrations = [
  { name: "20261121000000_initial", class: Initial },
  { name: "20261121010000_task_order", class: TaskOrder },
  { name: "20261121020000_sessions", class: Sessions },
  { name: "20261121030000_tag_limit", class: TagLimit },
  { name: "20261121040000_rotation_history", class: RotationHistory },
  { name: "20261122000000_task_counts", class: TaskCounts },
];
