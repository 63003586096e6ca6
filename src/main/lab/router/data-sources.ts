/** Handlers of the data sources. */
import { type Implementation, type RouterParts, requireWindow } from './parts.ts';

export function dataSourceHandlers({ os }: Implementation, { dataSources }: RouterParts) {
  return {
    list: os.dataSources.list.handler(() => dataSources.list()),
    values: os.dataSources.values.handler(({ input: { metric, fromMs, toMs } }) => {
      requireWindow(fromMs, toMs);
      return dataSources.values(metric, fromMs, toMs);
    }),
  };
}
