/** The known name that somebody probably meant: at most a fifth of its letters are wrong, case aside. Null for none. */
export function suggestion(text: string, known: readonly string[]): string | null {
  const best = known
    .map((name) => ({ name, edits: editsBetween(text.toLowerCase(), name.toLowerCase()) }))
    .reduce((a, b) => (b.edits < a.edits ? b : a), { name: '', edits: Number.POSITIVE_INFINITY });
  return best.edits <= best.name.length / 5 ? best.name : null;
}

/** Levenshtein's distance. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
