/** JSON schemas from which Fastify compiles the serializers of the hand-written server. */

const string = { type: "string" };
const integer = { type: "integer" };
const nullable = { type: "string", nullable: true };

const objectOf = (properties: Record<string, object>) => ({
  schema: { response: { "2xx": { type: "object", properties } } },
});

const tag = {
  type: "object",
  properties: { id: integer, name: string, color: nullable, user_id: string },
};

const taskFields = {
  id: integer,
  title: string,
  description: nullable,
  completed: { type: "boolean" },
  priority: string,
  due_date: nullable,
  recurrence_rule: nullable,
  user_id: string,
  created_at: string,
  updated_at: string,
  tags: { type: "array", items: tag },
};

export const user = objectOf({ id: string, email: string, name: nullable, created_at: string });

export const task = objectOf(taskFields);

export const page = objectOf({
  items: { type: "array", items: { type: "object", properties: taskFields } },
  total: integer,
  page: integer,
  limit: integer,
  pages: integer,
});

export const accessToken = objectOf({ access_token: string, token_type: string });
