/** What every page has: its frame, its head, and words in place of what is not there. */
import { Button } from '@mantine/core';
import type { ComponentProps, ReactNode } from 'react';
import { errorBody, errorText } from '../lab/errors.ts';
import classes from './Page.module.css';

/** The frame; `className` adds to it. */
export const Page = ({ className, ...rest }: ComponentProps<'div'>) => (
  <div {...rest} className={`${classes.page} ${className ?? ''}`} />
);

/** `counts` says what is on the page, beside its title; `children` are what can be done with it. */
export const PageHead = ({
  title,
  counts,
  children,
}: {
  title: string;
  counts: ReactNode;
  children: ReactNode;
}) => (
  <header className={classes.head}>
    <h1>{title}</h1>
    <span className={classes.counts}>{counts}</span>
    {children}
  </header>
);

/** In place of a page's content: why there is none, and what to do. */
export const Notice = ({ title, children }: { title: string; children: ReactNode }) => (
  <div className={classes.notice}>
    <h2>{title}</h2>
    {children}
  </div>
);

/** In place of what could not be had from the lab. */
export const Failed = ({ title, error, onRetry }: { title: string; error: Error; onRetry: () => void }) => (
  <div className={classes.notice} role="alert">
    <h2>{title}</h2>
    <p>{errorText(errorBody(error))}</p>
    <Button onClick={onRetry}>Try again</Button>
  </div>
);
