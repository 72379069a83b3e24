import { tag, task, taskPageWithCursor } from "@taskwire/shared";
import type { z } from "zod";
import type { Answer, Transport } from "./transports.ts";
import { type Person, signUp } from "./people.ts";

export type Task = z.output<typeof task>;
export type Tag = z.output<typeof tag>;

/** REST has no cursor to show. */
const taskPage = taskPageWithCursor.partial({ next_cursor: true });

/** Somebody who is signed in and calls through one transport. */
export interface Actor extends Person {
  call: (procedure: string, input?: unknown) => Promise<Answer>;
  /** Makes a task; fails unless it is answered as the contract wants it, as all below. */
  newTask: (fields?: object) => Promise<Task>;
  newTag: (name?: string) => Promise<Tag>;
  task: (task_id: number) => Promise<Task>;
  page: (input?: object) => Promise<z.output<typeof taskPage>>;
}

/** A new account and its calls. */
export const newActor = async (url: string, transport: Transport): Promise<Actor> => {
  const person = await signUp(url, transport);
  const call: Actor["call"] = (procedure, input) =>
    transport.call(url, procedure, input, { token: person.token });
  const succeed = async (procedure: string, input?: unknown): Promise<unknown> => {
    const { error, text, data } = await call(procedure, input);
    if (error !== undefined) throw new Error(`${procedure} answered ${text}`);
    return data;
  };
  return {
    ...person,
    call,
    newTask: async (fields) =>
      task.parse(await succeed("task.create", { title: "A task", ...fields })),
    newTag: async (name = "A tag") => tag.parse(await succeed("tag.create", { name })),
    task: async (task_id) => task.parse(await succeed("task.get", { task_id })),
    page: async (input) => taskPage.parse(await succeed("task.list", input)),
  };
};
