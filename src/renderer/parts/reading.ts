import { notifications } from '@mantine/notifications';
import { formatPercent } from '../../shared/units.ts';

const EVERY_MS = 250;

/** Says that a file is being read, and how much of it is (0 to 1), until the returned function is called. */
export function showReading(name: string, share: () => number): () => void {
  const id = `reading-${name}`;
  const notice = () => ({
    id,
    message: `Reading ${name}: ${formatPercent(share(), 0)}`,
    loading: true,
    autoClose: false as const,
    withCloseButton: false,
  });
  // Most files are read before anybody could read this.
  let isShown = false;
  const timer = setInterval(() => {
    if (isShown) notifications.update(notice());
    else notifications.show(notice());
    isShown = true;
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    notifications.hide(id);
  };
}
