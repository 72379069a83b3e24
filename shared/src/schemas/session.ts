import { z } from "zod";

const session = z
  .object({
    id: z.string().meta({ format: "uuid" }),
    device: z
      .string()
      .nullable()
      .meta({ description: "The client's User-Agent header, if it sent one" }),
    address: z.string().meta({ description: "The client's IP address" }),
    created_at: z.string().meta({ format: "date-time" }),
    last_used_at: z
      .string()
      .meta({ format: "date-time", description: "When the session was last refreshed" }),
    expires_at: z.string().meta({
      format: "date-time",
      description: "When the session expires, unless it is refreshed before",
    }),
    current: z.boolean().meta({ description: "Whether this is the session of the request" }),
  })
  .meta({ id: "Session" });

export const sessionId = z.object({
  session_id: z.guid("must be a UUID").meta({ examples: ["0f2d7c57-8a0e-4d6e-9a8e-3f1b7a5f2c11"] }),
});

export const sessionList = z.array(session);
