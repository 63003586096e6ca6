import classes from './Badges.module.css';

interface Props {
  emulated?: boolean;
  insecure?: boolean;
  /** From a file, not measured by this lab. */
  imported?: boolean;
  /** Listed in lab.yaml, and changed there. */
  declared?: boolean;
}

/** Marks on numbers that are not those this lab measured on an ordinary real path. */
export function Badges({ emulated = false, insecure = false, imported = false, declared = false }: Props) {
  return (
    <>
      {emulated && (
        <span className={classes.emulated} title="Measured on an emulated path, not on a real network">
          emulated
        </span>
      )}
      {insecure && (
        <span className={classes.insecure} title="The server’s certificate is not checked">
          insecure
        </span>
      )}
      {declared && (
        <span className={classes.declared} title="Listed in lab.yaml, and changed there only">
          from lab.yaml
        </span>
      )}
      {imported && (
        <span className={classes.imported} title="Read from a file; another program may have measured it">
          imported
        </span>
      )}
    </>
  );
}
