import { useQuery } from "@tanstack/react-query";
import { useClient } from "./backend.tsx";

/** Loads the user's tags. */
export const useTags = () => {
  const client = useClient();
  return useQuery({
    queryKey: ["tags"],
    queryFn: ({ signal }) => client.tag.list.query(undefined, { signal }),
  });
};
