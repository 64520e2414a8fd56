// Not shown yet.

export default function Page(_: { caller?: unknown }) {
  return null;
}
