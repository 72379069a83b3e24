import { nothing, tag as tagOutput, tagId, tagList, tagWrite } from "@taskwire/shared";
import * as tag from "../../services/tag.ts";
import { protectedProcedure, router } from "../trpc.ts";

export const tagRouter = router({
  create: protectedProcedure
    .meta({
      rest: {
        route: "POST /tags",
        operationId: "createTag",
        summary: "Create a tag",
        description: "The name must differ from those of the user's other tags.",
        responses: { 201: "Created" },
      },
      throws: ["TAG_ALREADY_EXISTS"],
    })
    .input(tagWrite)
    .output(tagOutput)
    .mutation(({ ctx, input }) => tag.create(ctx, input)),

  list: protectedProcedure
    .meta({
      rest: {
        route: "GET /tags",
        operationId: "listTags",
        summary: "List the tags",
        description: "Returns every tag of the user, with its id and color.",
        responses: { 200: "All of the user's tags" },
      },
    })
    .output(tagList)
    .query(({ ctx }) => tag.list(ctx)),

  update: protectedProcedure
    .meta({
      rest: {
        route: "PUT /tags/{tag_id}",
        operationId: "replaceTag",
        summary: "Replace a tag",
        description: "Changes name and color. An absent color becomes null.",
        responses: { 200: "The tag" },
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
        route: "DELETE /tags/{tag_id}",
        operationId: "deleteTag",
        summary: "Delete a tag",
        description: "Removes the tag from its tasks too. The tasks remain.",
        responses: { 204: "Gone" },
      },
      throws: ["TAG_NOT_FOUND"],
    })
    .input(tagId)
    .output(nothing)
    .mutation(({ ctx, input }) => tag.remove(ctx, input)),
});
