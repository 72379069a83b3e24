import { Migration } from "@mikro-orm/migrations";

export class Sessions extends Migration {
  override up(): void {
    this.addSql(`create table "sessions" (
      "id" uuid not null,
      "user_id" uuid not null,
      "generation" int not null default 0,
      "device" text null,
      "address" text not null,
      "created_at" timestamptz(3) not null,
      "rotated_at" timestamptz(3) not null,
      "expires_at" timestamptz(3) not null,
      "ends_at" timestamptz(3) not null,
      "revoked_at" timestamptz(3) null,
      primary key ("id"),
      constraint "sessions_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade
    )`);
    this.addSql(`create index "idx_sessions_user_id" on "sessions" ("user_id", "rotated_at")`);
    this.addSql(`create index "idx_sessions_expires_at" on "sessions" ("expires_at")`);
    this.addSql(
      `create index "idx_sessions_revoked_at" on "sessions" ("revoked_at") where revoked_at is not null`,
    );
    // The server checks every minute whether such hashes exist; without any, this index is empty and the check is cheap.
    this.addSql(
      `create index "idx_users_legacy_hash" on "users" ("id") where password_hash like '$2%'`,
    );
  }

  override down(): void {
    this.addSql(`drop index "idx_users_legacy_hash"`);
    this.addSql(`drop table "sessions"`);
  }
}
