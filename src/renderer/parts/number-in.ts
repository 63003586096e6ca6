/** The number that stands in a field, of Mantine's half-typed ones too (`1.`, `1.0`); null where there is none. */
export function numberIn(typed: number | string): number | null {
  const number = typed === '' ? Number.NaN : Number(typed);
  return Number.isFinite(number) ? number : null;
}
