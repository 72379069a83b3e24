// A server as one would write it by hand: Fastify, pg with named prepared statements, compiled serializers, one statement a
// request, remembered signatures. It checks no input, has no errors of its own and limits nothing: `pnpm bench` measures
// the real server against it.
import { createHmac, timingSafeEqual } from "node:crypto";
import { verify } from "argon2";
import fastify, { type FastifyRequest } from "fastify";
import { Pool } from "pg";
import { accessToken, page, task, user } from "./serializers.ts";
import { statements } from "./statements.ts";

const { DATABASE_URL: connectionString = "", JWT_SECRET_KEY: secret = "" } = process.env;
const pool = new Pool({ connectionString, max: 5 });

const rowsOf = async (
  name: keyof typeof statements,
  values: unknown[],
): Promise<Record<string, unknown>[]> =>
  // Safe: pg returns a row as an object of its columns.
  (await pool.query({ name, text: statements[name], values })).rows as Record<string, unknown>[];

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const signatureOf = (text: string): Buffer => createHmac("sha256", secret).update(text).digest();

const remembered = new Map<string, { sub: string; exp: number }>();

const userOf = (request: FastifyRequest): string => {
  const token = request.headers.authorization?.slice("Bearer ".length) ?? "";
  let claims = remembered.get(token);
  if (claims === undefined) {
    const end = token.lastIndexOf(".");
    const sent = Buffer.from(token.slice(end + 1), "base64url");
    if (!timingSafeEqual(sent, signatureOf(token.slice(0, end)))) throw new Error("INVALID_TOKEN");
    const payload = Buffer.from(token.split(".", 2)[1] ?? "", "base64url").toString();
    // Safe: the payload has the signature of this server's key.
    claims = JSON.parse(payload) as { sub: string; exp: number };
    remembered.set(token, claims);
  }
  if (claims.exp * 1000 < Date.now()) throw new Error("TOKEN_EXPIRED");
  return claims.sub;
};

const app = fastify();

interface List {
  page?: string;
  limit?: string;
  status?: string;
  q?: string;
}

app.get("/api/v1/auth/me", user, async (request) => {
  const [row] = await rowsOf("me", [userOf(request)]);
  return row;
});

app.get<{ Querystring: List }>("/api/v1/tasks", page, async (request) => {
  const { q, status } = request.query;
  const [number, limit] = [Number(request.query.page ?? 1), Number(request.query.limit ?? 20)];
  const values: unknown[] = [userOf(request), limit, (number - 1) * limit];
  let rows: Record<string, unknown>[];
  if (q !== undefined) rows = await rowsOf("search", [...values, q]);
  else if (status !== undefined)
    rows = await rowsOf("listCompleted", [...values, status === "completed"]);
  else rows = await rowsOf("list", values);
  const total = Number(rows[0]?.["total"] ?? 0);
  const items = rows.filter(({ id }) => id !== null);
  return { items, total, page: number, limit, pages: Math.ceil(total / limit) };
});

interface TaskId {
  task_id: string;
}

app.get<{ Params: TaskId }>("/api/v1/tasks/:task_id", task, async (request) => {
  const [row] = await rowsOf("task", [request.params.task_id, userOf(request)]);
  return row;
});

app.post<{ Body: { title: string; description?: string } }>(
  "/api/v1/tasks",
  task,
  async (request, reply) => {
    const { title, description = null } = request.body;
    const [row] = await rowsOf("create", [title, description, userOf(request)]);
    reply.code(201);
    return { ...row, tags: [] };
  },
);

app.patch<{ Params: TaskId; Body: { completed: boolean } }>(
  "/api/v1/tasks/:task_id",
  task,
  async (request) => {
    const { completed } = request.body;
    const [row] = await rowsOf("patch", [completed, request.params.task_id, userOf(request)]);
    return row;
  },
);

app.post<{ Params: TaskId & { tag_id: string } }>(
  "/api/v1/tasks/:task_id/tags/:tag_id",
  task,
  async (request, reply) => {
    const { task_id, tag_id } = request.params;
    const [row] = await rowsOf("addTag", [task_id, tag_id, userOf(request)]);
    reply.code(row?.["is_new"] === true ? 201 : 200);
    return row;
  },
);

/** Seconds. */
const tokenLifetime = 900;

app.addContentTypeParser(
  "application/x-www-form-urlencoded",
  { parseAs: "string" },
  (_request, body, done) => done(null, new URLSearchParams(body.toString())),
);

app.post<{ Body: URLSearchParams }>("/api/v1/auth/login", accessToken, async ({ body }) => {
  const [row] = await rowsOf("account", [body.get("username")]);
  if (!(await verify(String(row?.["password_hash"]), body.get("password") ?? "")))
    throw new Error("INVALID_CREDENTIALS");
  const [session] = await rowsOf("openSession", [row?.["id"]]);
  const iat = Math.floor(Date.now() / 1000);
  const claims = { email: row?.["email"], type: "access", sid: session?.["id"], sub: row?.["id"] };
  const payload = encode({ ...claims, iat, exp: iat + tokenLifetime });
  const text = `${encode({ alg: "HS256", typ: "JWT" })}.${payload}`;
  const signature = signatureOf(text).toString("base64url");
  return { access_token: `${text}.${signature}`, token_type: "bearer" };
});

const url = await app.listen({ host: "127.0.0.1", port: Number(process.env["PORT"] ?? 0) });
console.log(`REST at ${url}/api/v1`);
