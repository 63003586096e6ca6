import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useConnection } from '../lab/connection.ts';
import { queryClient } from '../lab/queries.ts';
import { colourVariables, theme } from '../theme/theme.ts';
import classes from './App.module.css';
import { router } from './router.tsx';
import { SignIn } from './SignIn.tsx';

/** A lab that wants a token shows nothing of itself before it has one. */
const Pages = () => {
  const locked = useConnection((s) => s.phase === 'locked');
  return locked ? <SignIn /> : <RouterProvider router={router} />;
};

export const App = () => (
  <MantineProvider theme={theme} cssVariablesResolver={colourVariables} defaultColorScheme="auto">
    <QueryClientProvider client={queryClient}>
      <Notifications position="bottom-right" limit={3} className={classes.notices!} />
      <Pages />
    </QueryClientProvider>
  </MantineProvider>
);
