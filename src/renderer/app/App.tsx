import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { queryClient } from '../lab/queries.ts';
import { colourVariables, theme } from '../theme/theme.ts';
import classes from './App.module.css';
import { router } from './router.tsx';

export const App = () => (
  <MantineProvider theme={theme} cssVariablesResolver={colourVariables} defaultColorScheme="auto">
    <QueryClientProvider client={queryClient}>
      <Notifications position="bottom-right" limit={3} className={classes.notices!} />
      <RouterProvider router={router} />
    </QueryClientProvider>
  </MantineProvider>
);
