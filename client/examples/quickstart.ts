import { randomUUID } from "node:crypto";
import { createClient, isApiError } from "@taskwire/client";

const [url = "http://localhost:8000"] = process.argv.slice(2);
const client = createClient({ url });

const email = `ada-${randomUUID()}@example.com`;
const password = "correct horse battery";
await client.session.signUp({ email, password, name: "Ada" });

const task = await client.task.create.mutate({
  title: "Write the report",
  priority: "high",
  due_date: "2030-01-31T17:00:00+01:00",
});
await client.task.patch.mutate({ task_id: task.id, completed: true });
const page = await client.task.list.query({ status: "completed" });
for (const { title, due_date } of page.items) console.log(`Completed: ${title}, due ${due_date}`);

try {
  await client.task.get.query({ task_id: task.id + 1 });
} catch (error) {
  if (!isApiError(error, "TASK_NOT_FOUND")) throw error;
  console.log(`Rejected: ${error.data.detail}`);
}
