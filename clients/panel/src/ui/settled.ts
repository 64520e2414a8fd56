// A text once nobody has typed for a moment.

import { useEffect, useState } from "react";

const MOMENT_MS = 200;

export function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => {
      setSettled(text);
    }, MOMENT_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [text]);
  return settled;
}
