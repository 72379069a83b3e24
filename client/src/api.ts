import type {
  ErrorBody,
  loginInput,
  message,
  passwordChange,
  passwordConfirmation,
  registerInput,
  sessionId,
  sessionList,
  tag,
  tagId,
  tagList,
  tagWrite,
  task,
  taskAndTagId,
  taskCreate,
  taskId,
  taskListInput,
  taskPageWithCursor,
  taskPatch,
  taskReplace,
  token,
  user,
} from "@taskwire/shared";
import type {
  TRPCBuiltRouter,
  TRPCDefaultErrorShape,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
} from "@trpc/server";
import type { z } from "zod";

type Query<Input, Output> = TRPCQueryProcedure<{ input: Input; output: Output; meta: object }>;
type Mutation<Input, Output> = TRPCMutationProcedure<{
  input: Input;
  output: Output;
  meta: object;
}>;

type In<Schema extends z.ZodType> = z.input<Schema>;
type Out<Schema extends z.ZodType> = z.output<Schema>;

/** The input of a procedure that takes two objects' fields as one. */
type Both<A extends z.ZodType, B extends z.ZodType> = {
  [Name in keyof (In<A> & In<B>)]: (In<A> & In<B>)[Name];
};

/**
 * Every procedure by its shared schemas, so that a client's types need nothing of the server: no context, no ORM.
 * tests/types holds it against the server's own router, procedure for procedure.
 */
interface Procedures {
  auth: {
    register: Mutation<In<typeof registerInput>, Out<typeof user>>;
    login: Mutation<In<typeof loginInput>, Out<typeof token>>;
    refresh: Mutation<void, Out<typeof token>>;
    logout: Mutation<void, Out<typeof message>>;
    me: Query<void, Out<typeof user>>;
    listSessions: Query<void, Out<typeof sessionList>>;
    revokeSession: Mutation<In<typeof sessionId>, void>;
    revokeOtherSessions: Mutation<void, void>;
    changePassword: Mutation<In<typeof passwordChange>, void>;
    deleteAccount: Mutation<In<typeof passwordConfirmation>, void>;
  };
  task: {
    create: Mutation<In<typeof taskCreate>, Out<typeof task>>;
    list: Query<In<typeof taskListInput>, Out<typeof taskPageWithCursor>>;
    get: Query<In<typeof taskId>, Out<typeof task>>;
    update: Mutation<Both<typeof taskId, typeof taskReplace>, Out<typeof task>>;
    patch: Mutation<Both<typeof taskId, typeof taskPatch>, Out<typeof task>>;
    delete: Mutation<In<typeof taskId>, void>;
    addTag: Mutation<In<typeof taskAndTagId>, Out<typeof task>>;
    removeTag: Mutation<In<typeof taskAndTagId>, void>;
  };
  tag: {
    create: Mutation<In<typeof tagWrite>, Out<typeof tag>>;
    list: Query<void, Out<typeof tagList>>;
    update: Mutation<Both<typeof tagId, typeof tagWrite>, Out<typeof tag>>;
    delete: Mutation<In<typeof tagId>, void>;
  };
}

/** What `error.data` holds when the server refused a call. */
export interface ErrorData extends ErrorBody {
  httpStatus: number;
}

interface ErrorShape extends Omit<TRPCDefaultErrorShape, "data"> {
  data: ErrorData;
}

/** The API as a tRPC router type, for tools that ask for one, such as `@trpc/tanstack-react-query`. */
export type AppRouter = TRPCBuiltRouter<
  { ctx: object; meta: object; errorShape: ErrorShape; transformer: false },
  { [Name in keyof Procedures]: Procedures[Name] }
>;
