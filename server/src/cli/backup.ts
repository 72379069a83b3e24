import { embeddedJob, run } from "./executable.ts";

run(() =>
  embeddedJob("backup", async (dataDir, file) => {
    const { backUp } = await import("../db/embedded/backup.ts");
    await backUp(dataDir, file);
    console.log(`Wrote ${file}`);
  }),
);
