import { embeddedJob, run } from "./executable.ts";

run(() =>
  embeddedJob("restore", async (dataDir, file) => {
    const { restore } = await import("../db/embedded/backup.ts");
    await restore(dataDir, file);
    console.log(`Restored ${file} into ${dataDir}`);
  }),
);
