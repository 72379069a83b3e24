// Generated from the server's router by `pnpm generate`. Do not edit.
import type { TRPCMutationProcedure, TRPCQueryProcedure } from "@trpc/server";

/**
 * Makes tRPC infer exactly `Output`. It would infer a copy, whose fields are all optional in an app without `strict`.
 */
type Exact<Output> = Output extends object ? { toJSON: () => Output } : Output;

type Query<Input, Output> = TRPCQueryProcedure<{
  input: Input;
  output: Exact<Output>;
  meta: object;
}>;
type Mutation<Input, Output> = TRPCMutationProcedure<{
  input: Input;
  output: Exact<Output>;
  meta: object;
}>;

/** Every procedure of the API. */
export interface Procedures {
  auth: {
    /** Create an account */
    register: Mutation<RegisterRequest, User>;
    /** Sign in */
    login: Mutation<AuthLoginInput, Token>;
    /** Renew the access token */
    refresh: Mutation<void, Token>;
    /** Sign out */
    logout: Mutation<void, Message>;
    /** Show the signed-in user */
    me: Query<void, User>;
    /** List the sessions */
    listSessions: Query<void, Session[]>;
    /** Revoke a session */
    revokeSession: Mutation<AuthRevokeSessionInput, void>;
    /** Revoke all other sessions */
    revokeOtherSessions: Mutation<void, void>;
    /** Change the password */
    changePassword: Mutation<PasswordChange, void>;
    /** Delete the account */
    deleteAccount: Mutation<PasswordConfirmation, void>;
  };
  task: {
    /** Create a task */
    create: Mutation<TaskCreate, Task>;
    /** List tasks */
    list: Query<TaskListInput | undefined, TaskPage>;
    /** Show a task */
    get: Query<TaskGetInput, Task>;
    /** Replace a task */
    update: Mutation<TaskUpdateInput, Task>;
    /** Change a task */
    patch: Mutation<TaskPatchInput, Task>;
    /** Delete a task */
    delete: Mutation<TaskDeleteInput, void>;
    /** Tag a task */
    addTag: Mutation<TaskAddTagInput, Task>;
    /** Untag a task */
    removeTag: Mutation<TaskRemoveTagInput, void>;
  };
  tag: {
    /** Create a tag */
    create: Mutation<TagWrite, Tag>;
    /** List the tags */
    list: Query<void, Tag[]>;
    /** Replace a tag */
    update: Mutation<TagUpdateInput, Tag>;
    /** Delete a tag */
    delete: Mutation<TagDeleteInput, void>;
  };
}

export interface RegisterRequest {
  /** @format email */
  email: string;
  /**
   * @format password
   * @minLength 8
   */
  password: string;
  /** @maxLength 255 */
  name?: string | null | undefined;
}

export interface User {
  /** @format uuid */
  id: string;
  /** @format email */
  email: string;
  name: string | null;
  /** @format date-time */
  created_at: string;
}

export interface AuthLoginInput {
  /** The e-mail address; OAuth2 calls it username */
  email: string;
  /** @format password */
  password: string;
}

export interface Token {
  access_token: string;
  token_type: "bearer";
}

export interface Message {
  message: string;
}

export interface Session {
  /** @format uuid */
  id: string;
  /** The client's User-Agent header, if it sent one */
  device: string | null;
  /** The client's IP address */
  address: string;
  /** @format date-time */
  created_at: string;
  /**
   * When the session was last refreshed
   * @format date-time
   */
  last_used_at: string;
  /**
   * When the session expires, unless it is refreshed before
   * @format date-time
   */
  expires_at: string;
  /** Whether this is the session of the request */
  current: boolean;
}

export interface AuthRevokeSessionInput {
  /** @format uuid */
  session_id: string;
}

export interface PasswordChange {
  /** @format password */
  current_password: string;
  /**
   * @format password
   * @minLength 8
   */
  new_password: string;
}

export interface PasswordConfirmation {
  /** @format password */
  password: string;
}

export interface TaskCreate {
  /**
   * @minLength 1
   * @maxLength 200
   */
  title: string;
  /** @maxLength 1000 */
  description?: string | null | undefined;
  /** @default false */
  completed?: boolean | undefined;
  priority?: Priority | undefined;
  /** @format date-time */
  due_date?: string | null | undefined;
  /**
   * An iCalendar RRULE (RFC 5545)
   * @maxLength 1000
   */
  recurrence_rule?: string | null | undefined;
}

export type Priority = "low" | "medium" | "high";

export interface Task {
  id: number;
  title: string;
  description: string | null;
  completed: boolean;
  priority: Priority;
  /** @format date-time */
  due_date: string | null;
  recurrence_rule: string | null;
  /** @format uuid */
  user_id: string;
  /** @format date-time */
  created_at: string;
  /** @format date-time */
  updated_at: string;
  tags: Tag[];
}

export interface Tag {
  id: number;
  name: string;
  color: string | null;
  /** @format uuid */
  user_id: string;
}

export interface TaskListInput {
  /**
   * @minimum 1
   * @default 1
   */
  page?: number | undefined;
  /**
   * Values over 100 count as 100
   * @minimum 1
   * @default 20
   */
  limit?: number | undefined;
  /** @maxLength 100 */
  q?: string | undefined;
  /** @default "all" */
  status?: "all" | "pending" | "completed" | undefined;
  priority?: "low" | "medium" | "high" | undefined;
  /** The id or the name of a tag */
  tag?: string | undefined;
  sort?:
    | "due_date"
    | "-due_date"
    | "priority"
    | "-priority"
    | "created_at"
    | "-created_at"
    | "title"
    | "-title"
    | undefined;
  /** The next_cursor of the previous page */
  cursor?: string | null | undefined;
}

export interface TaskPage {
  items: Task[];
  total: number;
  page: number;
  limit: number;
  pages: number;
  next_cursor: string | null;
}

export interface TaskGetInput {
  task_id: number;
}

export interface TaskReplace {
  /**
   * @minLength 1
   * @maxLength 200
   */
  title: string;
  /** @maxLength 1000 */
  description?: string | null | undefined;
  completed: boolean;
  priority: Priority;
  /** @format date-time */
  due_date?: string | null | undefined;
  /**
   * An iCalendar RRULE (RFC 5545)
   * @maxLength 1000
   */
  recurrence_rule?: string | null | undefined;
}

export interface TaskUpdateInput extends TaskReplace {
  task_id: number;
}

export interface TaskPatch {
  /**
   * @minLength 1
   * @maxLength 200
   */
  title?: string | undefined;
  /** @maxLength 1000 */
  description?: string | null | undefined;
  completed?: boolean | undefined;
  priority?: Priority | undefined;
  /** @format date-time */
  due_date?: string | null | undefined;
  /**
   * An iCalendar RRULE (RFC 5545)
   * @maxLength 1000
   */
  recurrence_rule?: string | null | undefined;
}

export interface TaskPatchInput extends TaskPatch {
  task_id: number;
}

export interface TaskDeleteInput {
  task_id: number;
}

export interface TaskAddTagInput {
  task_id: number;
  tag_id: number;
}

export interface TaskRemoveTagInput {
  task_id: number;
  tag_id: number;
}

export interface TagWrite {
  /**
   * @minLength 1
   * @maxLength 50
   */
  name: string;
  /** @pattern ^#[0-9A-Fa-f]{6}$ */
  color?: string | null | undefined;
}

export interface TagUpdateInput extends TagWrite {
  tag_id: number;
}

export interface TagDeleteInput {
  tag_id: number;
}
