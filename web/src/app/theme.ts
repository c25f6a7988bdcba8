/** Theme: warm yellow on cream, or on dark cocoa in dark mode; round, outlined like a sticker. */

import { alpha, createTheme } from '@mui/material/styles';

const SEVERITIES = ['error', 'info', 'success', 'warning'] as const;
const INK = '#2a1f14';
const YELLOW = '#ffc83d';

/** Headings use Jua, a rounded Korean and Latin font; text uses system fonts. */
const TEXT_FONT =
  "'Pretendard', 'Apple SD Gothic Neo', 'Noto Sans KR', 'Noto Sans CJK KR', system-ui, 'Segoe UI', Roboto, sans-serif";
const DISPLAY_FONT = `'Jua', ${TEXT_FONT}`;

const heading = { fontFamily: DISPLAY_FONT, fontWeight: 400, lineHeight: 1.2, letterSpacing: '-0.01em' };

export const theme = createTheme({
  cssVariables: { colorSchemeSelector: 'data' },
  colorSchemes: {
    light: {
      palette: {
        contrastThreshold: 4.5,
        primary: { main: YELLOW, light: '#ffe08a', dark: '#f2b01e', contrastText: INK },
        secondary: { main: '#b3400e', contrastText: '#ffffff' },
        error: { main: '#b3261e' },
        success: { main: '#2e6b2f' },
        warning: { main: '#8a5300' },
        info: { main: '#1f5f8b' },
        background: { default: '#fff8e6', paper: '#fffdf7' },
        text: { primary: INK, secondary: '#6a5a48' },
        divider: '#eadfc4',
      },
    },
    dark: {
      palette: {
        contrastThreshold: 4.5,
        primary: { main: YELLOW, light: '#ffe08a', dark: '#e0a92a', contrastText: INK },
        secondary: { main: '#ffb68a', contrastText: INK },
        error: { main: '#ffb4ab' },
        success: { main: '#a5d6a0' },
        warning: { main: '#ffcf7d' },
        info: { main: '#9fcdf0' },
        background: { default: '#1d1710', paper: '#2a2118' },
        text: { primary: '#fdf3df', secondary: '#cdbb9f' },
        divider: '#463a2b',
      },
    },
  },
  shape: { borderRadius: 16 },
  typography: {
    fontFamily: TEXT_FONT,
    h1: { ...heading, fontSize: 'clamp(2.25rem, 6vw, 4rem)' },
    h2: { ...heading, fontSize: 'clamp(1.75rem, 4vw, 2.5rem)' },
    h3: { ...heading, fontSize: '1.5rem' },
    h4: { ...heading, fontSize: '1.25rem' },
    button: { fontWeight: 700, textTransform: 'none' },
  },
  components: {
    MuiCssBaseline: {
      styleOverrides: {
        // Break Korean between words.
        body: { overflowWrap: 'anywhere', wordBreak: 'keep-all' },
        'h1, h2, h3, legend': { textWrap: 'balance' },
        p: { textWrap: 'pretty' },
        '@media (prefers-reduced-motion: reduce)': {
          '*, *::before, *::after': {
            animationDuration: '0.01ms !important',
            animationIterationCount: '1 !important',
            // `none` instead of a short duration, which would delay inherited values by one frame per level.
            transition: 'none !important',
            scrollBehavior: 'auto !important',
          },
        },
      },
    },
    MuiButton: {
      defaultProps: { disableElevation: true },
      styleOverrides: {
        root: ({ theme }) => ({
          borderRadius: 999,
          minHeight: 44,
          paddingInline: theme.spacing(2.5),
          variants: [
            {
              props: { variant: 'contained', color: 'primary' },
              style: { '&:hover': { backgroundColor: (theme.vars ?? theme).palette.primary.light } },
            },
            {
              // Yellow text has too little contrast.
              props: { variant: 'outlined', color: 'primary' },
              style: {
                color: (theme.vars ?? theme).palette.text.primary,
                borderColor: (theme.vars ?? theme).palette.text.primary,
                borderWidth: 2,
              },
            },
            {
              props: { variant: 'text', color: 'primary' },
              style: { color: (theme.vars ?? theme).palette.text.primary },
            },
          ],
        }),
        sizeLarge: { minHeight: 54, fontSize: '1.0625rem' },
        sizeSmall: { minHeight: 36 },
      },
    },
    MuiIconButton: { styleOverrides: { root: { minWidth: 44, minHeight: 44 } } },
    MuiButtonBase: {
      styleOverrides: {
        root: ({ theme }) => ({
          '&.Mui-focusVisible': {
            outline: `3px solid ${(theme.vars ?? theme).palette.secondary.main}`,
            outlineOffset: 2,
          },
        }),
      },
    },
    MuiPaper: { defaultProps: { elevation: 0 }, styleOverrides: { root: { backgroundImage: 'none' } } },
    MuiCard: {
      defaultProps: { variant: 'outlined' },
      styleOverrides: {
        root: ({ theme }) => ({ borderRadius: 24, borderColor: (theme.vars ?? theme).palette.divider }),
      },
    },
    MuiDialog: { styleOverrides: { paper: { borderRadius: 28 } } },
    MuiDialogTitle: { styleOverrides: { root: ({ theme }) => ({ paddingTop: theme.spacing(3) }) } },
    MuiDialogActions: { styleOverrides: { root: { flexWrap: 'wrap' } } },
    MuiTextField: { defaultProps: { fullWidth: true } },
    MuiOutlinedInput: {
      styleOverrides: {
        root: ({ theme }) => ({
          borderRadius: 16,
          '&.Mui-focused .MuiOutlinedInput-notchedOutline': {
            borderColor: (theme.vars ?? theme).palette.secondary.main,
          },
        }),
      },
    },
    MuiInputLabel: {
      styleOverrides: {
        root: ({ theme }) => ({
          '&.Mui-focused:not(.Mui-error)': { color: (theme.vars ?? theme).palette.secondary.main },
        }),
      },
    },
    MuiLink: { defaultProps: { color: 'secondary', underline: 'always' } },
    MuiTab: {
      styleOverrides: {
        root: ({ theme }) => ({
          minHeight: 48,
          '&.Mui-selected': { color: (theme.vars ?? theme).palette.text.primary },
        }),
      },
    },
    MuiTabs: { styleOverrides: { indicator: { height: 4, borderRadius: 4 } } },
    MuiChip: { styleOverrides: { root: { fontWeight: 600 } } },
    MuiTooltip: { defaultProps: { arrow: true } },
    MuiAlert: {
      styleOverrides: {
        root: ({ theme }) => ({
          borderRadius: 16,
          // White text has too little contrast on the light colors of dark mode.
          '&.MuiAlert-filled': theme.applyStyles('dark', { color: INK }),
          variants: SEVERITIES.map((severity) => ({
            props: { variant: 'standard' as const, severity },
            style: {
              color: (theme.vars ?? theme).palette.text.primary,
              backgroundColor: `color-mix(in srgb, ${(theme.vars ?? theme).palette[severity].main} 14%, transparent)`,
            },
          })),
        }),
      },
    },
    MuiSkeleton: {
      defaultProps: { animation: 'wave' },
      styleOverrides: { root: { backgroundColor: alpha('#b08d3a', 0.16) } },
    },
  },
});
