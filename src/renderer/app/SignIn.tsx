import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { connect } from '../lab/connection.ts';
import { isRefused, storedToken, storeToken } from '../lab/token.ts';
import classes from './SignIn.module.css';

/** In place of the pages, while the lab wants a token that this tab does not have. */
export function SignIn() {
  const [token, setToken] = useState('');
  const [error, setError] = useState(
    storedToken() === null ? null : 'The lab no longer takes the token of this tab.',
  );
  const [checking, setChecking] = useState(false);

  const signIn = async (): Promise<void> => {
    const given = token.trim();
    if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(given)) {
      setError('A token has three parts with dots between them.');
      return;
    }
    setChecking(true);
    const refused = await isRefused(given);
    setChecking(false);
    if (refused === null) setError('The lab does not answer.');
    else if (refused)
      setError('The lab does not take this token: another secret or issuer, or it has expired.');
    else {
      storeToken(given);
      await connect();
    }
  };

  return (
    <main className={classes.page}>
      <form
        className={classes.form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void signIn();
        }}
      >
        <h1>Sign in to this lab</h1>
        <p>
          It is open to others than this machine, and wants a token. Where its configuration is, this makes
          one:
        </p>
        <code>routelab token --config lab.yaml</code>
        <TextInput
          label="Token"
          type="password"
          autoComplete="off"
          autoFocus
          value={token}
          error={error}
          onChange={(event) => {
            setToken(event.currentTarget.value);
            setError(null);
          }}
        />
        <Button type="submit" loading={checking}>
          Sign in
        </Button>
      </form>
    </main>
  );
}
