import { Migration } from "@mikro-orm/migrations";

export class TagLimit extends Migration {
  override up(): void {
    // Volatile, so that it reads with a new snapshot: in a statement that has locked the task, it sees all of its tags.
    this.addSql(`create function accepts_tag(task integer, tag integer, max_tags integer) returns boolean
      language sql volatile strict as $sql$
        select exists (select from task_tag_link where task_id = task and tag_id = tag)
          or (select count(*) < max_tags from task_tag_link where task_id = task)
      $sql$`);
  }

  override down(): void {
    this.addSql(`drop function accepts_tag(integer, integer, integer)`);
  }
}
