export function UserPage({ id }: { id: string }) {
  return <h1>{id}</h1>;
}
