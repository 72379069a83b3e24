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

export const taskRouter = router({
  create: protectedProcedure
    .meta({
      rest: {
        route: "POST /tasks",
        operationId: "createTask",
        summary: "Create a task",
        description: "Only the title is required. Without a priority, the task has `medium`.",
        responses: { 201: "Created" },
      },
      throws: ["INVALID_RECURRENCE_RULE"],
    })
    .input(taskCreate)
    .output(taskOutput)
    .mutation(({ ctx, input }) => task.create(ctx, input)),

  list: protectedProcedure
    .meta({
      rest: {
        route: "GET /tasks",
        operationId: "listTasks",
        summary: "List tasks",
        description: "Filters combine with AND. Without `sort`, the oldest task comes first.",
        responses: { 200: "One page" },
        hidden: ["cursor"],
        output: taskPage,
      },
    })
    .input(taskListInput)
    .output(taskPageWithCursor)
    .query(({ ctx, input }) => taskList.list(ctx, input)),

  get: protectedProcedure
    .meta({
      rest: {
        route: "GET /tasks/{task_id}",
        operationId: "getTask",
        summary: "Show a task",
        description: "Returns the task with its tags.",
        responses: { 200: "The task" },
      },
      throws: ["TASK_NOT_FOUND"],
    })
    .input(taskId)
    .output(taskOutput)
    .query(({ ctx, input }) => task.get(ctx, input)),

  update: protectedProcedure
    .meta({
      rest: {
        route: "PUT /tasks/{task_id}",
        operationId: "replaceTask",
        summary: "Replace a task",
        description:
          "Changes all fields. An absent description, due date or recurrence rule becomes null.",
        responses: { 200: "The task" },
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
        route: "PATCH /tasks/{task_id}",
        operationId: "updateTask",
        summary: "Change a task",
        description: "Changes only the given fields. `null` clears a field that may be null.",
        responses: { 200: "The task" },
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
        route: "DELETE /tasks/{task_id}",
        operationId: "deleteTask",
        summary: "Delete a task",
        description: "Removes the task from its tags too. The tags remain.",
        responses: { 204: "Gone" },
      },
      throws: ["TASK_NOT_FOUND"],
    })
    .input(taskId)
    .output(nothing)
    .mutation(({ ctx, input }) => task.remove(ctx, input)),

  addTag: protectedProcedure
    .meta({
      rest: {
        route: "POST /tasks/{task_id}/tags/{tag_id}",
        operationId: "addTagToTask",
        summary: "Tag a task",
        description: "Task and tag must exist. To repeat the call changes nothing.",
        responses: { 200: "The task had this tag already", 201: "Tagged now" },
      },
      throws: ["TASK_NOT_FOUND", "TAG_NOT_FOUND"],
    })
    .input(taskAndTagId)
    .output(taskOutput)
    .mutation(({ ctx, input }) => taskTags.add(ctx, input)),

  removeTag: protectedProcedure
    .meta({
      rest: {
        route: "DELETE /tasks/{task_id}/tags/{tag_id}",
        operationId: "removeTagFromTask",
        summary: "Untag a task",
        description: "Task and tag must exist. To repeat the call changes nothing.",
        responses: { 204: "Gone" },
      },
      throws: ["TASK_NOT_FOUND", "TAG_NOT_FOUND"],
    })
    .input(taskAndTagId)
    .output(nothing)
    .mutation(({ ctx, input }) => taskTags.remove(ctx, input)),
});
