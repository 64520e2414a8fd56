// The fields in which two JSON values differ.

export interface Change {
  path: string;
  before: string | undefined;
  after: string | undefined;
}

export function changesOf(before: string, after: string): Change[] {
  const [old, young] = [flat(before), flat(after)];
  const paths = [...new Set([...old.keys(), ...young.keys()])].sort();
  return paths.flatMap((path) => {
    const change = { path, before: old.get(path), after: young.get(path) };
    return change.before === change.after ? [] : [change];
  });
}

/** Leaves by their paths. */
function flat(text: string): Map<string, string> {
  const leaves = new Map<string, string>();
  const visit = (value: unknown, path: string) => {
    if (typeof value === "object" && value !== null && Object.keys(value).length > 0) {
      for (const [key, inner] of Object.entries(value))
        visit(inner, path === "" ? key : `${path}.${key}`);
    } else {
      leaves.set(path, typeof value === "string" ? value : JSON.stringify(value));
    }
  };
  if (text === "") return leaves;
  try {
    visit(JSON.parse(text), "");
  } catch {
    leaves.set("", text);
  }
  return leaves;
}
