import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { connect, useConnection } from '../lab/connection.ts';
import { storedToken, storeToken } from '../lab/token.ts';
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
    storeToken(given);
    await connect();
    setChecking(false);
    // Where it does not answer, the pages say so, and the token is there when it does.
    if (useConnection.getState().phase !== 'locked') return;
    storeToken(null);
    setError('The lab does not take this token: another secret or issuer, or it has expired.');
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
          It has a secret, and takes no caller without a token signed with it. Where its configuration is,
          this makes one:
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
