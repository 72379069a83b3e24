import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import type { Task, TaskCreate, User } from "@taskwire/client";
import { apiError, mockLink, type MockHandlers } from "@taskwire/client/testing";
import { afterEach, expect, test, vi } from "vitest";
import { App } from "../src/app.tsx";
import { BackendProvider, createBackend } from "../src/backend.tsx";

const ada: User = {
  id: "0b7e9e9c-3a55-4b3c-9d0a-0c5d2d1a7f11",
  email: "ada@example.com",
  name: "Ada",
  created_at: "2030-01-01T00:00:00.000Z",
};

const newTask = (fields: Partial<Task> = {}): Task => ({
  id: 1,
  title: "Water the plants",
  description: null,
  completed: false,
  priority: "medium",
  due_date: null,
  recurrence_rule: null,
  user_id: ada.id,
  created_at: ada.created_at,
  updated_at: ada.created_at,
  tags: [],
  ...fields,
});

const pageOf = (...items: Task[]) => ({
  items,
  total: items.length,
  page: 1,
  limit: 20,
  pages: 1,
  next_cursor: null,
});

/** Shows the app with functions in place of the server. */
const show = (task: MockHandlers["task"], user?: User) => {
  const link = mockLink({ task: { ...task }, tag: { list: () => [] } }, user && { user });
  const backend = createBackend({ url: "", links: [link], tabs: {} });
  render(
    <BackendProvider backend={backend}>
      <App />
    </BackendProvider>,
  );
};

const expectHeading = (name: string) => screen.findByRole("heading", { name });

afterEach(cleanup);

test("shows the form to sign in without a session", async () => {
  show({});
  await expectHeading("Sign in");
});

test("shows the user's tasks", async () => {
  show({ list: () => pageOf(newTask()) }, ada);
  await expectHeading("Water the plants");
  screen.getByText("1 task");
});

test("shows a completed task at once, and the old state with the error when the server rejects it", async () => {
  const response = Promise.withResolvers<Task>();
  show({ list: () => pageOf(newTask()), patch: () => response.promise }, ada);
  const box = await screen.findByRole<HTMLInputElement>("checkbox");
  fireEvent.click(box);
  await waitFor(() => expect(box.checked).toBe(true));
  response.reject(apiError("TASK_NOT_FOUND"));
  expect((await screen.findByRole("alert")).textContent).toBe("Task not found");
  expect(box.checked).toBe(false);
});

test("loads the list again after a task was created", async () => {
  const tasks: Task[] = [];
  const create = ({ title }: TaskCreate) => {
    const task = newTask({ title });
    tasks.push(task);
    return task;
  };
  show({ list: () => pageOf(...tasks), create }, ada);
  await screen.findByText("Nothing to do yet");
  fireEvent.click(screen.getByRole("button", { name: "New task" }));
  fireEvent.change(screen.getByLabelText("Title"), { target: { value: "Feed the cat" } });
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await expectHeading("Feed the cat");
});

test("shows a rejected title at its field", async () => {
  show(
    {
      list: () => pageOf(),
      create: () => {
        throw apiError("INVALID_TITLE", { field: "title" });
      },
    },
    ada,
  );
  await screen.findByText("Nothing to do yet");
  fireEvent.click(screen.getByRole("button", { name: "New task" }));
  const title = screen.getByLabelText("Title");
  fireEvent.change(title, { target: { value: "x" } });
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByRole("alert");
  expect(title.getAttribute("aria-invalid")).toBe("true");
});

test("offers another attempt when the list cannot be loaded", async () => {
  const list = vi
    .fn<() => ReturnType<typeof pageOf>>()
    .mockImplementationOnce(() => {
      throw apiError("INTERNAL_ERROR");
    })
    .mockImplementation(() => pageOf(newTask()));
  show({ list }, ada);
  fireEvent.click(await screen.findByRole("button", { name: "Try again" }));
  await expectHeading("Water the plants");
});

test("removes everything of the user at sign-out", async () => {
  show({ list: () => pageOf(newTask()) }, ada);
  await expectHeading("Water the plants");
  fireEvent.click(screen.getByRole("button", { name: "Sign out" }));
  await expectHeading("Sign in");
  expect(screen.queryByText("Water the plants")).toBeNull();
});
