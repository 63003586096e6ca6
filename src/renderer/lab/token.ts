/** The token of a lab that wants one: kept for this tab, until it is closed. */
const KEY = 'routelab.token';

export const storedToken = (): string | null => sessionStorage.getItem(KEY);

export function storeToken(token: string | null): void {
  if (token === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, token);
}

/** What the lab answers to a caller with this token: whether it wants another; null when it does not answer. */
export async function isRefused(token: string | null): Promise<boolean | null> {
  try {
    const { status } = await fetch('/api/v1/info', {
      ...(token !== null && { headers: { authorization: `Bearer ${token}` } }),
    });
    return status === 401;
  } catch {
    return null;
  }
}
