import server from "../../package.json" with { type: "json" };
import { prefix } from "./operations.ts";

/** What the OpenAPI document says of the whole API. Its version is the server's. */
export const info = {
  title: "taskwire REST API",
  version: server.version,
  summary: "A task manager: users, sessions, tasks and tags",
  description: `Every path is below \`${prefix}\`.

**To try it out**, register with the example, and sign in with "Authorize": the address is the username, the client fields
stay empty. Then create a task and a tag: the other examples use them. Keep the deletions for the end.

**Errors** have one format: \`detail\` is a sentence for people, and \`code\` is what programs decide by.

**Times** are in UTC. The document describes every field that the server returns; a later version may add fields.`,
  contact: { name: "The developers of taskwire" },
  license: { name: server.license, identifier: server.license },
};

/** The second one is that of the contract; as variables, so that a linter does not take it for a forgotten address. */
export const servers = [
  { url: "/", description: "This server" },
  {
    url: "http://{host}:{port}",
    description: "A server on your machine",
    variables: { host: { default: "localhost" }, port: { default: "8000" } },
  },
];

/** What the documentation says of each group. */
export const tagDescriptions: Partial<Record<string, string>> = {
  Authentication: "Accounts, sign-in and sessions",
  Tasks: "The tasks of the signed-in user, and their tags",
  Tags: "The tags that the signed-in user can attach to tasks",
};
