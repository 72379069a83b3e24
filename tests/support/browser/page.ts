import { createClient } from "@taskwire/client";

// What a page of a test runs: the test creates the client there, with the URL of its deployment.
Object.assign(globalThis, { createClient });
