import { randomUUID } from "node:crypto";
import { createClient, isApiError } from "@taskwire/client";

const [url = "http://localhost:8000"] = process.argv.slice(2);

// A browser stores the refresh cookie itself; in Node the script must.
let cookie: string | undefined;
const client = createClient({
  url,
  fetch: async (input, init) => {
    const headers = new Headers(init?.headers);
    if (cookie !== undefined) headers.set("cookie", cookie);
    const response = await fetch(input, { ...init, headers });
    for (const line of response.headers.getSetCookie()) [cookie] = line.split(";", 1);
    return response;
  },
  onSignedOut: () => console.log("Signed out"),
});

const email = `ada-${randomUUID()}@example.com`;
const password = "correct horse battery";

const user = await client.session.signUp({ email, password, name: "Ada" });
console.log(`Registered ${user.name} as ${user.email}: ${client.session.status}`);

const work = await client.tag.create.mutate({ name: "Work", color: "#3366CC" });
for (const title of ["Write the report", "Answer the auditor", "Book the train"]) {
  const task = await client.task.create.mutate({ title, due_date: "2030-01-31T17:00:00+01:00" });
  await client.task.addTag.mutate({ task_id: task.id, tag_id: work.id });
}

let page = await client.task.list.query({ tag: "Work", sort: "title", limit: 2 });
console.log(`${page.total} tasks are tagged Work; the first two:`);
for (const task of page.items) console.log(`  ${task.title}, due ${task.due_date}`);
page = await client.task.list.query({
  tag: "Work",
  sort: "title",
  limit: 2,
  cursor: page.next_cursor,
});
console.log(`and after them: ${page.items.map(({ title }) => title).join(", ")}`);

try {
  await client.task.create.mutate({ title: "Sleep in", due_date: "tomorrow" });
} catch (error) {
  // The codes are a union type, so a misspelt one does not compile.
  if (!isApiError(error, "INVALID_DUE_DATE")) throw error;
  console.log(`Rejected: ${error.data.detail} (field ${error.data.field})`);
}

await client.session.signOut();
