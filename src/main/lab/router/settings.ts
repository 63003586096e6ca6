/** Handlers of the settings. */
import type { Implementation, RouterParts } from './parts.ts';

export function settingHandlers({ os }: Implementation, { store, configuration }: RouterParts) {
  return {
    get: os.settings.get.handler(() => configuration.describe()),
    update: os.settings.update.handler(({ input }) => {
      configuration.change(input.values, (kept) => store.settings.replace(kept));
      return configuration.describe();
    }),
  };
}
