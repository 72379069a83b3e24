import { isApiError } from "@taskwire/client";
import { type ReactNode, useId } from "react";
import { ErrorMessage } from "./error-message.tsx";

interface FieldProps {
  label: string;
  name: string;
  /** What the server rejected the form with. The field shows it if it is about this field. */
  error?: unknown;
  children: (control: {
    id: string;
    name: string;
    "aria-invalid": boolean;
    "aria-describedby": string;
  }) => ReactNode;
}

/** A form control with its label and its error. */
export const Field = ({ label, name, error, children }: FieldProps) => {
  const id = useId();
  const isWrong = isApiError(error) && error.data.field === name;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, name, "aria-invalid": isWrong, "aria-describedby": `${id}-error` })}
      <div id={`${id}-error`}>{isWrong && <ErrorMessage error={error} />}</div>
    </div>
  );
};

/** The error of a form, unless a field shows it. */
export const FormError = ({ error }: { error: unknown }) =>
  isApiError(error) && error.data.field !== undefined ? null : <ErrorMessage error={error} />;

/** Returns the texts of a form by the names of its fields; an empty one for a field that the form does not have. */
export const textsOf = <Name extends string>(form: HTMLFormElement, ...names: Name[]) => {
  const data = new FormData(form);
  const texts = names.map((name) => {
    const value = data.get(name);
    return [name, typeof value === "string" ? value : ""];
  });
  // Safe: the object has the names as its keys.
  return Object.fromEntries(texts) as Record<Name, string>;
};
