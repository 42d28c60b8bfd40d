/** Whether a version says that clients of the one before may break: its first number is greater, or before 1.0.0 its second. */
export function announcesBreak(before: string, after: string): boolean {
  const [[major = 0, minor = 0], [nextMajor = 0, nextMinor = 0]] = [
    numbersOf(before),
    numbersOf(after),
  ];
  if (nextMajor !== major) return nextMajor > major;
  return major === 0 && nextMinor > minor;
}

function numbersOf(version: string): number[] {
  return version.split(".").map(Number);
}
