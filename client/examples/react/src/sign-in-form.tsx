import { useMutation } from "@tanstack/react-query";
import type { RegisterRequest } from "@taskwire/client";
import { type ComponentProps, useState } from "react";
import { useClient } from "./backend.tsx";
import { Field, FormError, textsOf } from "./field.tsx";

export const SignInForm = () => {
  const { session } = useClient();
  const [isNew, setIsNew] = useState(false);
  const signIn = useMutation({
    mutationFn: ({ name, ...credentials }: RegisterRequest) =>
      isNew ? session.signUp({ name, ...credentials }) : session.signIn(credentials),
  });
  const submit: ComponentProps<"form">["onSubmit"] = (event) => {
    event.preventDefault();
    const { email, password, name } = textsOf(event.currentTarget, "email", "password", "name");
    signIn.mutate({ email, password, name: name || null });
  };
  const switchForm = () => {
    setIsNew(!isNew);
    signIn.reset();
  };
  return (
    <main className="centred">
      <form className="card" onSubmit={submit}>
        <p className="brand">Taskwire</p>
        <h1>{isNew ? "Create your account" : "Sign in"}</h1>
        {isNew && (
          <Field label="Name (optional)" name="name" error={signIn.error}>
            {(control) => <input {...control} autoComplete="name" maxLength={255} />}
          </Field>
        )}
        <Field label="E-mail" name="email" error={signIn.error}>
          {(control) => (
            <input {...control} type="email" autoComplete="username" required autoFocus />
          )}
        </Field>
        <Field label="Password" name="password" error={signIn.error}>
          {(control) => (
            <input
              {...control}
              type="password"
              autoComplete={isNew ? "new-password" : "current-password"}
              minLength={isNew ? 8 : 1}
              required
            />
          )}
        </Field>
        <FormError error={signIn.error} />
        <button className="primary" disabled={signIn.isPending}>
          {isNew ? "Create account" : "Sign in"}
        </button>
        <p className="hint">
          {isNew ? "Already have an account?" : "New here?"}{" "}
          <button type="button" className="link" onClick={switchForm}>
            {isNew ? "Sign in" : "Create an account"}
          </button>
        </p>
      </form>
    </main>
  );
};
