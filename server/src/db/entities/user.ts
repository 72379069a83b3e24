import { defineEntity, p, raw } from "@mikro-orm/core";

export const User = defineEntity({
  name: "User",
  tableName: "users",
  properties: {
    id: p.uuid().primary().defaultRaw("gen_random_uuid()"),
    email: p.text(),
    password_hash: p.text(),
    name: p.text().nullable(),
    created_at: p.datetime(3).$type<string>().defaultRaw("now()"),
  },
  indexes: [
    {
      name: "idx_users_legacy_hash",
      expression: `create index "idx_users_legacy_hash" on "users" ("id") where password_hash like '$2%'`,
    },
  ],
  uniques: [
    {
      name: "users_email_unique",
      expression: (columns, table, name) =>
        raw(`create unique index ?? on ?? (lower(??))`, [name, table.name, columns.email]),
    },
  ],
});
