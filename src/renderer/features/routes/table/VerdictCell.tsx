import type { Route, RouteStatus } from '../../../../shared/domain.ts';
import { verdictOf } from '../../../../shared/verdict.ts';
import { VerdictWords } from '../../../parts/VerdictWords.tsx';

export function VerdictCell({ route, status }: { route: Route; status?: RouteStatus }) {
  if (!status) return <span>–</span>;
  return (
    <VerdictWords
      name={route.name}
      verdict={verdictOf(status)}
      span="the last 60 s"
      testId={`route-${route.id}-verdict`}
    />
  );
}
