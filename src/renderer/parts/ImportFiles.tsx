/** Files that a page takes: dropped anywhere on it, or chosen with a button. */
import { FileButton } from '@mantine/core';
import { type ComponentProps, type ReactNode, type RefObject, useRef, useState } from 'react';
import type { CommandId } from '../../shared/commands.ts';
import { CommandButton } from '../commands/CommandButton.tsx';

interface Files {
  take: (files: readonly File[]) => void;
  /** For the page's frame. */
  drop: ComponentProps<'div'> & { 'data-dropping': boolean };
}

/** One file after another, also of several drops: the lab reads few at a time. `takeOne` never rejects. */
export function useFiles(online: boolean, takeOne: (file: File) => Promise<void>): Files {
  const [isDropping, setDropping] = useState(false);
  const last = useRef(Promise.resolve());
  const take = (files: readonly File[]): void => {
    for (const file of files) last.current = last.current.then(() => takeOne(file));
  };
  return {
    take,
    drop: {
      'data-dropping': isDropping,
      onDragOver: (event) => {
        if (!online || !event.dataTransfer.types.includes('Files')) return;
        event.preventDefault();
        setDropping(true);
      },
      onDragLeave: (event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setDropping(false);
      },
      onDrop: (event) => {
        setDropping(false);
        if (event.dataTransfer.files.length === 0) return;
        event.preventDefault();
        if (online) take([...event.dataTransfer.files]);
      },
    },
  };
}

interface Props {
  command: CommandId;
  /** What it takes, as the browser's dialog has it. */
  accept: string;
  label: string;
  testId: string;
  onFiles: (files: readonly File[]) => void;
  /** Is given the way to open the dialog, for the command. */
  opener: RefObject<() => void>;
  children: ReactNode;
}

/** Gives the command that opens the dialog. */
export function ImportButton({ command, accept, label, testId, onFiles, opener, children }: Props) {
  const reset = useRef<() => void>(null);
  return (
    <FileButton
      onChange={(files) => {
        // The same file may be chosen again.
        reset.current?.();
        onFiles(files);
      }}
      multiple
      accept={accept}
      resetRef={reset}
      inputProps={{ 'aria-label': label, 'data-testid': testId } as never}
    >
      {({ onClick }) => {
        opener.current = onClick;
        return <CommandButton command={command}>{children}</CommandButton>;
      }}
    </FileButton>
  );
}
