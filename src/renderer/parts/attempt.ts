/** What people set going: one at a time for each subject, and failures shown. */
import { notifications } from '@mantine/notifications';
import { create } from 'zustand';
import { errorBody, errorText } from '../lab/errors.ts';

/** Subjects with a request under way. */
export const useBusy = create<{ busy: ReadonlySet<string> }>(() => ({ busy: new Set() }));

/** Runs `action` unless one of the same subject is under way; `what` titles the notice of its failure. */
export async function attempt(subject: string, what: string, action: () => Promise<void>): Promise<void> {
  if (useBusy.getState().busy.has(subject)) return;
  const setBusy = (on: boolean): void =>
    useBusy.setState(({ busy }) => {
      const next = new Set(busy);
      if (on) next.add(subject);
      else next.delete(subject);
      return { busy: next };
    });
  setBusy(true);
  try {
    await action();
  } catch (thrown) {
    notifications.show({
      title: what,
      message: errorText(errorBody(thrown)),
      color: 'red',
      autoClose: 12_000,
    });
  } finally {
    setBusy(false);
  }
}
