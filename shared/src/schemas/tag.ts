import { z } from "zod";
import { id, name, rule, text } from "./common.ts";

export const maxTagNameLength = 50;

export const tagWrite = z
  .object({
    name: name(maxTagNameLength, "INVALID_TAG_NAME"),
    color: text()
      .refine((value) => /^#[0-9A-Fa-f]{6}$/.test(value), rule("INVALID_COLOR"))
      .meta({ pattern: "^#[0-9A-Fa-f]{6}$" })
      .nullish(),
  })
  .meta({ id: "TagWrite", examples: [{ name: "Work", color: "#3366FF" }] });

export const tagId = z.object({ tag_id: id() });

export const tag = z
  .object({
    id: z.number().meta({ type: "integer" }),
    name: z.string(),
    color: z.string().nullable(),
    user_id: z.string().meta({ format: "uuid" }),
  })
  .meta({ id: "Tag" });

export const tagList = z.array(tag);
