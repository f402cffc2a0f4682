import { useEffect, useState } from "react";

/** useLater returns a value once it has stayed the same for a while. */
export function useLater<T>(value: T, after: number): T {
  const [late, set] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => set(value), after);
    return () => clearTimeout(timer);
  }, [value, after]);
  return late;
}
