/** Mark is the sign of the program: blue and green light, and cyan where they meet. */
export function Mark({ size = 26 }: { size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden>
      <circle cx="12" cy="16" r="10" fill="#2f7bf6" />
      <circle cx="20" cy="16" r="10" fill="#23b26d" />
      <path d="M16 6.84a10 10 0 0 1 0 18.32 10 10 0 0 1 0-18.32z" fill="#35e0e6" />
    </svg>
  );
}
