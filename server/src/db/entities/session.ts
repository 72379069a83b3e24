import { defineEntity, p } from "@mikro-orm/core";
import { User } from "./user.ts";

/** One sign-in and all refresh tokens issued for it. */
export const Session = defineEntity({
  name: "Session",
  tableName: "sessions",
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User).deleteRule("cascade"),
    /** How often the refresh token was rotated. Only the newest token can be exchanged. */
    generation: p.integer().default(0),
    device: p.text().nullable(),
    address: p.text(),
    created_at: p.datetime(3).$type<string>(),
    /** When the newest refresh token was issued. */
    rotated_at: p.datetime(3).$type<string>(),
    /** When the newest refresh token expires, never later than `ends_at`. */
    expires_at: p.datetime(3).$type<string>().index("idx_sessions_expires_at"),
    ends_at: p.datetime(3).$type<string>(),
    /** Time by the database's clock, which all replicas share. */
    revoked_at: p.datetime(3).$type<string>().nullable(),
    /** When the rotations of the last seconds happened, the newest last. Null before the first rotation. */
    rotations: p.array().columnType("timestamptz[]").nullable(),
    /** The newest generation at which the token before it was used after the grace period. */
    parent_used_at_generation: p.integer().nullable(),
  },
  indexes: [
    { name: "idx_sessions_user_id", properties: ["user", "rotated_at"] },
    {
      name: "idx_sessions_revoked_at",
      expression: `create index "idx_sessions_revoked_at" on "sessions" ("revoked_at") where revoked_at is not null`,
    },
  ],
});
