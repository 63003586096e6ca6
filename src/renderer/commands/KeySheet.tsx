import { Kbd, Modal } from '@mantine/core';
import { COMMAND_GROUPS } from '../../shared/commands.ts';
import classes from './KeySheet.module.css';
import { keyCaps } from './keys.ts';
import { ordered, useCommands } from './registry.ts';

/** Keys that belong to one part of the page and are no commands. */
const LOCAL_KEYS = [
  ['ArrowLeft', 'ArrowRight', 'move the chart’s time cursor'],
  ['PageUp', 'PageDown', 'in great steps'],
  ['Home', 'End', 'first and newest moment'],
  ['Escape', '', 'follow the newest moment'],
  ['+', '−', 'zoom a probe’s chart in or out; 0 shows all'],
  [keyCaps('Mod+wheel').join(' + '), '', 'zoom a probe’s chart where the pointer is'],
  ['Shift ←', 'Shift →', 'move a zoomed chart’s window'],
  ['ArrowUp', 'ArrowDown', 'move between the map’s routes'],
] as const;

const ARROWS: Record<string, string> = { ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓' };

export function KeySheet({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const withKeys = ordered(useCommands((s) => s.commands)).filter(({ shortcut }) => shortcut !== undefined);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title="Keyboard shortcuts"
      size="lg"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <div className={classes.sheet}>
        {COMMAND_GROUPS.map((group) => {
          const commands = withKeys.filter((command) => command.group === group);
          if (commands.length === 0) return null;
          return (
            <section key={group}>
              <h3>{group}</h3>
              <dl>
                {commands.map(({ id, title, shortcut }) => (
                  <div key={id}>
                    <dt>{title}</dt>
                    <dd>
                      {keyCaps(shortcut!).map((cap) => (
                        <Kbd key={cap}>{cap}</Kbd>
                      ))}
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          );
        })}
        <section>
          <h3>With the chart or the map focused</h3>
          <dl>
            {LOCAL_KEYS.map(([first, second, does]) => (
              <div key={does}>
                <dt>{does}</dt>
                <dd>
                  {[first, second].filter(Boolean).map((key) => (
                    <Kbd key={key}>{ARROWS[key] ?? key}</Kbd>
                  ))}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </Modal>
  );
}
