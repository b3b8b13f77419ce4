/** A path without "." and ".." segments (RFC 3986 5.2.4). What is not absolute stays as it is. */
export function normalPath(path: string): string {
  if (!path.startsWith("/")) return path;
  const segments: string[] = [];
  const written = path.slice(1).split("/");
  for (const [index, segment] of written.entries()) {
    const last = index === written.length - 1;
    if (segment === "..") segments.pop();
    else if (segment !== ".") segments.push(segment);
    if (last && (segment === "." || segment === "..")) segments.push("");
  }
  return `/${segments.join("/")}`;
}
