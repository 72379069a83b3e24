import { Migration } from "@mikro-orm/migrations";

export class RotationHistory extends Migration {
  override up(): void {
    // Both are nullable and without a default, so that a server of the version before can still insert sessions.
    this.addSql(`alter table "sessions" add column "rotations" timestamptz[] null`);
    this.addSql(`alter table "sessions" add column "parent_used_at_generation" int null`);
  }

  override down(): void {
    this.addSql(`alter table "sessions" drop column "parent_used_at_generation"`);
    this.addSql(`alter table "sessions" drop column "rotations"`);
  }
}
