import { Button, Drawer } from '@mantine/core';
import type { FormEvent, ReactNode } from 'react';
import classes from './DrawerForm.module.css';
import { Failure } from './Form.tsx';

/** At the side of the page, where a form stands while what it is about stays in sight. */
export const FormDrawer = ({
  title,
  opened,
  onClose,
  children,
}: {
  title: string;
  opened: boolean;
  onClose: () => void;
  children: ReactNode;
}) => (
  <Drawer
    opened={opened}
    onClose={onClose}
    title={title}
    size={440}
    closeButtonProps={{ 'aria-label': 'Close without saving' }}
  >
    {opened && children}
  </Drawer>
);

interface Props {
  onSubmit: (event: FormEvent<HTMLFormElement>) => void;
  onCancel: () => void;
  /** What the button says that submits it. */
  submit: string;
  isSaving: boolean;
  /** Why it did not go, or cannot. */
  failures?: readonly (string | null)[];
  disabled?: boolean;
  /** What it comes to, beside the buttons. */
  about?: ReactNode;
  children: ReactNode;
}

/** The fields, and at the foot, always in sight, why it did not go and the way out. */
export const DrawerForm = ({
  onSubmit,
  onCancel,
  submit,
  isSaving,
  failures = [],
  disabled = false,
  about,
  children,
}: Props) => (
  <form className={classes.form} onSubmit={onSubmit} noValidate>
    {children}
    <div className={classes.foot}>
      {failures.map((text) => text !== null && <Failure key={text}>{text}</Failure>)}
      {about !== undefined && <span className={classes.about}>{about}</span>}
      <Button onClick={onCancel}>Cancel</Button>
      <Button type="submit" variant="filled" loading={isSaving} disabled={disabled}>
        {submit}
      </Button>
    </div>
  </form>
);
