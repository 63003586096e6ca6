/**
 * The parameter tables of docs/congestion.md: what stands between `<!-- parameters of NAME -->` and `<!-- end -->` is made
 * of the schema, the rest is prose.
 */
import { LabError } from '../../../shared/errors.ts';
import type { ControllerInfo } from '../../../shared/probes.ts';

const BLOCK = /(<!-- parameters of (\w+) -->\n).*?(<!-- end -->)/gs;

/** The page with its tables made anew. Throws RL_INPUT_INVALID unless it has one for each controller, and no other. */
export function withTables(page: string, controllers: readonly ControllerInfo[]): string {
  const found = [...page.matchAll(BLOCK)].map((match) => match[2]!);
  const names = controllers.map(({ name }) => name);
  if ([...found].sort().join() !== [...names].sort().join()) {
    throw new LabError(
      'RL_INPUT_INVALID',
      `The page has tables of ${found.join(', ') || 'no controller'}; there are ${names.join(', ')}`,
      { field: '--page' },
    );
  }
  return page.replace(BLOCK, (_block, begin: string, name: string, end: string) => {
    const { parameters } = controllers.find((each) => each.name === name)!;
    return `${begin}\n${rows(parameters).join('\n')}\n\n${end}`;
  });
}

const rows = (parameters: ControllerInfo['parameters']): string[] => [
  '| parameter | default | unit | range | source | what it is |',
  '| --- | ---: | --- | --- | --- | --- |',
  ...parameters.map(
    (each) =>
      `| \`${each.name}\` | ${each.default} | ${each.unit} | ${each.min} – ${each.max} | ${each.section} | ${each.doc} |`,
  ),
];
