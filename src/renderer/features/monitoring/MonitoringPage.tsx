import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { AlertRule, Webhook } from '../../../shared/alerts.ts';
import type { MonitoringNow } from '../../../shared/monitoring.ts';
import { CommandButton } from '../../commands/CommandButton.tsx';
import { useAlerts } from '../../lab/alerts.ts';
import { client, useConnection } from '../../lab/connection.ts';
import { orpc, useRoutes } from '../../lab/queries.ts';
import { useFollow } from '../../lab/use-follow.ts';
import { Failed, Page, PageHead } from '../../parts/Page.tsx';
import { Firing, History } from './AlertLists.tsx';
import { Health } from './Health.tsx';
import { MonitoringCommands } from './MonitoringCommands.tsx';
import classes from './MonitoringPage.module.css';
import { RuleDrawer } from './RuleDrawer.tsx';
import { RulesTable } from './RulesTable.tsx';
import { SystemPanel } from './SystemPanel.tsx';
import { TABS, type TabId, useMonitoringView } from './view.ts';
import { WebhookDrawer } from './WebhookDrawer.tsx';
import { Webhooks } from './Webhooks.tsx';

const NO_RULES: AlertRule[] = [];

export function MonitoringPage() {
  const now = useMonitoring();
  const { data: routes } = useRoutes();
  const query = useQuery(orpc.alertRules.list.queryOptions());
  const rules = query.data ?? NO_RULES;
  const view = useMonitoringView();
  const online = useConnection((s) => s.phase === 'online');
  const firing = useAlerts((s) => s.board?.firing.length ?? 0);
  const [editing, setEditing] = useState<AlertRule | 'new' | null>(null);
  const [editingWebhook, setEditingWebhook] = useState<Webhook | 'new' | null>(null);
  const selected = rules.find(({ id }) => id === view.rule) ?? null;
  const nameOf = (id: string): string => routes?.find((route) => route.id === id)?.name ?? id;
  return (
    <Page data-stale={!online}>
      <MonitoringCommands
        rules={rules}
        selected={selected}
        view={view}
        onAdd={() => setEditing('new')}
        onEdit={setEditing}
        onAddWebhook={() => setEditingWebhook('new')}
      />
      <PageHead
        title="Monitoring"
        counts={`${now ? now.health.status : ''}${firing === 0 ? '' : `, ${firing} firing`}`}
      >
        <CommandButton command="alerts.notify" />
        <CommandButton command="alerts.addWebhook" />
        <CommandButton command="alerts.addRule" variant="filled" />
      </PageHead>
      <div className={classes.body}>
        <div className={classes.column}>
          <Health health={now?.health ?? null} />
          <SystemPanel now={now} view={view} />
        </div>
        <div className={classes.column}>
          <Firing />
          <section className={classes.lists} aria-label={TABS[view.tab]}>
            <div className={classes.panelHead}>
              <SegmentedControl
                aria-label="List"
                data={Object.entries(TABS).map(([value, label]) => ({ value: value as TabId, label }))}
                value={view.tab}
                onChange={view.setTab}
              />
            </div>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard. */}
            <section className={classes.scroll} aria-label={`List of ${TABS[view.tab]}`} tabIndex={0}>
              {view.tab === 'rules' &&
                (query.error ? (
                  <Failed
                    title="The rules could not be listed"
                    error={query.error}
                    onRetry={() => void query.refetch()}
                  />
                ) : (
                  <RulesTable
                    rules={rules}
                    selected={selected}
                    nameOf={nameOf}
                    onSelect={({ id }) => view.select(id)}
                    onEdit={setEditing}
                  />
                ))}
              {view.tab === 'history' && <History />}
              {view.tab === 'webhooks' && <Webhooks onEdit={setEditingWebhook} />}
            </section>
          </section>
        </div>
      </div>
      <RuleDrawer editing={editing} onClose={() => setEditing(null)} onSaved={({ id }) => view.select(id)} />
      <WebhookDrawer
        editing={editingWebhook}
        onClose={() => setEditingWebhook(null)}
        onSaved={() => view.setTab('webhooks')}
      />
    </Page>
  );
}

/** The newest sample and health, as the lab streams them. */
function useMonitoring(): MonitoringNow | null {
  const [now, setNow] = useState<MonitoringNow | null>(null);
  useFollow((signal) => client.monitoring.watch(undefined, { signal }), setNow);
  return now;
}
