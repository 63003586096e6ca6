/** What zod finds wrong, in words for a form. */
import type { z } from 'zod';

/** One message per field at fault, by its path: `emulation.up.delayMs`. */
export function messagesOf(issues: readonly z.core.$ZodIssue[]): Record<string, string> {
  const messages: Record<string, string> = {};
  for (const issue of issues) messages[issue.path.join('.')] ??= messageOf(issue);
  return messages;
}

/** The path of a field within another: `emulation.up`; the other itself for ''. */
export const under = (field: string, path: string): string => (path === '' ? field : `${field}.${path}`);

/** The messages about a field and those within it, by their paths from there: '' for the field itself. */
export function errorsUnder(
  field: string,
  errors: Readonly<Record<string, unknown>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(errors).flatMap(([path, message]) => {
      if (typeof message !== 'string') return [];
      if (path === field) return [['', message]];
      return path.startsWith(`${field}.`) ? [[path.slice(field.length + 1), message]] : [];
    }),
  );
}

function messageOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'int' ? 'a whole number is required' : 'a value is required';
    case 'too_small':
      if (issue.origin === 'string') return issue.message;
      return issue.inclusive ? `at least ${issue.minimum}` : `more than ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'string' ? `at most ${issue.maximum} letters` : `at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}
