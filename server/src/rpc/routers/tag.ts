import { nothing, tag as tagOutput, tagId, tagList, tagWrite } from "@taskwire/shared";
import * as tag from "../../services/tag.ts";
import { protectedProcedure, router } from "../trpc.ts";

const section = "Tags";

export const tagRouter = router({
  create: protectedProcedure
    .meta({
      rest: {
        method: "POST",
        path: "/tags",
        status: 201,
        success: "Created",
        body: "json",
        operationId: "createTag",
        summary: "Create a tag",
        tag: section,
      },
      throws: ["TAG_ALREADY_EXISTS"],
    })
    .input(tagWrite)
    .output(tagOutput)
    .mutation(({ ctx, input }) => tag.create(ctx, input)),

  list: protectedProcedure
    .meta({
      rest: {
        method: "GET",
        path: "/tags",
        status: 200,
        success: "All of the user's tags",
        operationId: "listTags",
        summary: "List the tags",
        tag: section,
      },
    })
    .output(tagList)
    .query(({ ctx }) => tag.list(ctx)),

  update: protectedProcedure
    .meta({
      rest: {
        method: "PUT",
        path: "/tags/{tag_id}",
        status: 200,
        success: "The tag",
        body: "json",
        operationId: "replaceTag",
        summary: "Replace a tag",
        tag: section,
      },
      throws: ["TAG_NOT_FOUND", "TAG_ALREADY_EXISTS"],
    })
    .input(tagId)
    .input(tagWrite)
    .output(tagOutput)
    .mutation(({ ctx, input }) => tag.update(ctx, input)),

  delete: protectedProcedure
    .meta({
      rest: {
        method: "DELETE",
        path: "/tags/{tag_id}",
        status: 204,
        success: "Gone",
        operationId: "deleteTag",
        summary: "Delete a tag",
        tag: section,
      },
      throws: ["TAG_NOT_FOUND"],
    })
    .input(tagId)
    .output(nothing)
    .mutation(({ ctx, input }) => tag.remove(ctx, input)),
});
