/** The token of a lab that wants one: kept for this tab, until it is closed. */
const KEY = 'routelab.token';

export const storedToken = (): string | null => sessionStorage.getItem(KEY);

export function storeToken(token: string | null): void {
  if (token === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, token);
}
