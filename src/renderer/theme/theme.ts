/** Mantine, told to look like an instrument: small, square, grey, still. */
import {
  ActionIcon,
  Button,
  type CSSVariablesResolver,
  createTheme,
  Drawer,
  defaultVariantColorsResolver,
  Kbd,
  Menu,
  Modal,
  Notification,
  NumberInput,
  SegmentedControl,
  Select,
  Switch,
  TagsInput,
  TextInput,
  Tooltip,
} from '@mantine/core';

/** What lies behind a dialog stays legible: it is still being measured. */
const LIGHT_OVERLAY = { backgroundOpacity: 0.2 };

export const theme = createTheme({
  fontFamily: 'var(--font)',
  fontFamilyMonospace: 'ui-monospace, monospace',
  headings: { fontFamily: 'var(--font)', fontWeight: '600' },
  fontSizes: { xs: '11px', sm: '12px', md: '13px', lg: '14px', xl: '16px' },
  spacing: { xs: '4px', sm: '8px', md: '12px', lg: '16px', xl: '24px' },
  radius: { xs: '2px', sm: '3px', md: '4px', lg: '4px', xl: '4px' },
  defaultRadius: 'sm',
  primaryColor: 'ink',
  primaryShade: { light: 8, dark: 1 },
  variantColorResolver: (input) =>
    input.variant === 'filled' && (input.color === undefined || input.color === 'ink')
      ? {
          background: 'var(--ink)',
          hover: 'color-mix(in srgb, var(--ink) 85%, var(--paper))',
          color: 'var(--paper)',
          border: '1px solid transparent',
        }
      : defaultVariantColorsResolver(input),
  respectReducedMotion: true,
  cursorType: 'pointer',
  colors: {
    ink: [
      '#f5f6f7',
      '#dfe3e7',
      '#c7cdd3',
      '#a5aeb7',
      '#7f8a95',
      '#59636e',
      '#434c56',
      '#313941',
      '#20272e',
      '#14181d',
    ],
    dark: [
      '#e4e7ea',
      '#c3c9cf',
      '#98a2ac',
      '#5b656f',
      '#3a424a',
      '#2a3037',
      '#20272e',
      '#121518',
      '#0f1214',
      '#0d1012',
    ],
  },
  components: {
    Button: Button.extend({ defaultProps: { size: 'xs', variant: 'default', fw: 400 } }),
    ActionIcon: ActionIcon.extend({ defaultProps: { size: 24, variant: 'subtle', color: 'gray' } }),
    SegmentedControl: SegmentedControl.extend({ defaultProps: { size: 'xs' } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 250, maw: 320, multiline: true, fz: 12 } }),
    Menu: Menu.extend({ defaultProps: { shadow: 'sm', position: 'bottom-end' } }),
    Modal: Modal.extend({ defaultProps: { shadow: 'md', centered: true, overlayProps: LIGHT_OVERLAY } }),
    Drawer: Drawer.extend({ defaultProps: { position: 'right', shadow: 'md', overlayProps: LIGHT_OVERLAY } }),
    Kbd: Kbd.extend({ defaultProps: { size: 'xs' } }),
    TextInput: TextInput.extend({ defaultProps: { size: 'xs' } }),
    Notification: Notification.extend({ defaultProps: { closeButtonProps: { 'aria-label': 'Dismiss' } } }),
    NumberInput: NumberInput.extend({ defaultProps: { size: 'xs' } }),
    Select: Select.extend({ defaultProps: { size: 'xs' } }),
    TagsInput: TagsInput.extend({ defaultProps: { size: 'xs' } }),
    Switch: Switch.extend({ defaultProps: { size: 'xs' } }),
  },
});

const fromTokens = {
  '--mantine-color-body': 'var(--paper)',
  '--mantine-color-text': 'var(--ink)',
  '--mantine-color-dimmed': 'var(--dim)',
  '--mantine-color-default-border': 'var(--line)',
  '--mantine-color-error': 'var(--fault)',
  '--mantine-color-placeholder': 'var(--dim)',
};

/** Mantine's own colours are the tokens, so that there is one source for both. */
export const colourVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: fromTokens,
  dark: fromTokens,
});
