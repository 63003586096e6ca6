/** Whether this browser masks the addresses of routes, for screens that others see. */
import { create } from 'zustand';

const KEY = 'routelab-mask';

export const usePrivacy = create<{ masked: boolean }>(() => ({ masked: localStorage.getItem(KEY) === 'on' }));

export function setMasked(masked: boolean): void {
  localStorage.setItem(KEY, masked ? 'on' : 'off');
  usePrivacy.setState({ masked });
}
