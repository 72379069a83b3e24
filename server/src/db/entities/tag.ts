import { defineEntity, p } from "@mikro-orm/core";
import { User } from "./user.ts";

export const Tag = defineEntity({
  name: "Tag",
  tableName: "tags",
  properties: {
    id: p.integer().primary().autoincrement(),
    name: p.string().length(50),
    color: p.string().length(7).nullable(),
    user: () => p.manyToOne(User).deleteRule("cascade").index("idx_tags_user_id"),
  },
  uniques: [{ name: "tags_name_user_id_unique", properties: ["name", "user"] }],
});
