import { useEffect, useState } from "react";

/** Returns the value once it has not changed for 200 ms, so that typing does not send a request for each key. */
export const useDebounced = <Value>(value: Value): Value => {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), 200);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
};
