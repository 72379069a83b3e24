import {
  nothing,
  task as taskOutput,
  taskAndTagId,
  taskCreate,
  taskId,
  taskListInput,
  taskPage,
  taskPageWithCursor,
  taskPatch,
  taskReplace,
} from "@taskwire/shared";
import * as task from "../../services/task/task.ts";
import * as taskList from "../../services/task/list.ts";
import * as taskTags from "../../services/task/tags.ts";
import { protectedProcedure, router } from "../trpc.ts";

const section = "Tasks";

export const taskRouter = router({
  create: protectedProcedure
    .meta({
      rest: {
        method: "POST",
        path: "/tasks",
        status: 201,
        success: "Created",
        body: "json",
        operationId: "createTask",
        summary: "Create a task",
        tag: section,
      },
      throws: ["INVALID_RECURRENCE_RULE"],
    })
    .input(taskCreate)
    .output(taskOutput)
    .mutation(({ ctx, input }) => task.create(ctx, input)),

  list: protectedProcedure
    .meta({
      rest: {
        method: "GET",
        path: "/tasks",
        status: 200,
        success: "One page",
        hidden: ["cursor"],
        output: taskPage,
        operationId: "listTasks",
        summary: "List tasks",
        tag: section,
      },
    })
    .input(taskListInput)
    .output(taskPageWithCursor)
    .query(({ ctx, input }) => taskList.list(ctx, input)),

  get: protectedProcedure
    .meta({
      rest: {
        method: "GET",
        path: "/tasks/{task_id}",
        status: 200,
        success: "The task",
        operationId: "getTask",
        summary: "Show a task",
        tag: section,
      },
      throws: ["TASK_NOT_FOUND"],
    })
    .input(taskId)
    .output(taskOutput)
    .query(({ ctx, input }) => task.get(ctx, input)),

  update: protectedProcedure
    .meta({
      rest: {
        method: "PUT",
        path: "/tasks/{task_id}",
        status: 200,
        success: "The task",
        body: "json",
        operationId: "replaceTask",
        summary: "Replace a task",
        tag: section,
      },
      throws: ["TASK_NOT_FOUND", "INVALID_RECURRENCE_RULE"],
    })
    .input(taskId)
    .input(taskReplace)
    .output(taskOutput)
    .mutation(({ ctx, input }) => task.update(ctx, input)),

  patch: protectedProcedure
    .meta({
      rest: {
        method: "PATCH",
        path: "/tasks/{task_id}",
        status: 200,
        success: "The task",
        body: "json",
        operationId: "updateTask",
        summary: "Change a task",
        tag: section,
      },
      throws: ["TASK_NOT_FOUND", "INVALID_RECURRENCE_RULE"],
    })
    .input(taskId)
    .input(taskPatch)
    .output(taskOutput)
    .mutation(({ ctx, input }) => task.patch(ctx, input)),

  delete: protectedProcedure
    .meta({
      rest: {
        method: "DELETE",
        path: "/tasks/{task_id}",
        status: 204,
        success: "Gone",
        operationId: "deleteTask",
        summary: "Delete a task",
        tag: section,
      },
      throws: ["TASK_NOT_FOUND"],
    })
    .input(taskId)
    .output(nothing)
    .mutation(({ ctx, input }) => task.remove(ctx, input)),

  addTag: protectedProcedure
    .meta({
      rest: {
        method: "POST",
        path: "/tasks/{task_id}/tags/{tag_id}",
        status: 201,
        success: "Tagged now",
        already: "The task had this tag already",
        operationId: "addTagToTask",
        summary: "Tag a task",
        tag: section,
      },
      throws: ["TASK_NOT_FOUND", "TAG_NOT_FOUND"],
    })
    .input(taskAndTagId)
    .output(taskOutput)
    .mutation(({ ctx, input }) => taskTags.add(ctx, input)),

  removeTag: protectedProcedure
    .meta({
      rest: {
        method: "DELETE",
        path: "/tasks/{task_id}/tags/{tag_id}",
        status: 204,
        success: "Gone",
        operationId: "removeTagFromTask",
        summary: "Untag a task",
        tag: section,
      },
      throws: ["TASK_NOT_FOUND", "TAG_NOT_FOUND"],
    })
    .input(taskAndTagId)
    .output(nothing)
    .mutation(({ ctx, input }) => taskTags.remove(ctx, input)),
});
