import { z } from "zod";

const session = z
  .object({
    id: z.string().meta({ format: "uuid" }),
    device: z
      .string()
      .nullable()
      .meta({ description: "What the client called itself (User-Agent), if it did" }),
    address: z.string().meta({ description: "The client's address" }),
    created_at: z.string().meta({ format: "date-time" }),
    last_used_at: z
      .string()
      .meta({ format: "date-time", description: "When it was last refreshed" }),
    expires_at: z
      .string()
      .meta({ format: "date-time", description: "When it ends unless it is refreshed before" }),
    current: z.boolean().meta({ description: "Whether it is the session that asks" }),
  })
  .meta({ id: "Session" });

export const sessionId = z.object({ session_id: z.guid("must be a UUID") });

export const sessionList = z.array(session);
