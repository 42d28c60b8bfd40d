import { encode } from "uqr";

/** Empty modules around the symbol, which readers need (ISO/IEC 18004). */
const QUIET_ZONE = 4;

/** A QR code, dark on light in either colour scheme, because many readers need that. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { data, size } = encode(text, { ecc: "M", border: QUIET_ZONE });
  return (
    <svg class="qr-code" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label}>
      <rect width={size} height={size} fill="#fff" />
      <path d={toPath(data)} fill="#000" shape-rendering="crispEdges" />
    </svg>
  );
}

function toPath(rows: readonly (readonly boolean[])[]): string {
  return rows
    .flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : "")))
    .join("");
}
