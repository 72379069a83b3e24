import { type ReactNode, useId } from "react";

/** Closing before the element is removed gives the focus back to the button that opened the dialog. */
const openModal = (dialog: HTMLDialogElement | null) => {
  dialog?.showModal();
  return () => dialog?.close();
};

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
}

/** A modal dialog, which Escape and a click outside close too. */
export const Dialog = ({ title, onClose, children }: DialogProps) => {
  const id = useId();
  return (
    <dialog ref={openModal} aria-labelledby={id} closedby="any" onCancel={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
      {/* Last, because the first control gets the focus. */}
      <button type="button" className="quiet close" aria-label="Close" onClick={onClose}>
        ✕
      </button>
    </dialog>
  );
};
