import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'

// Greens that stay readable: shade 9 carries white text (6.3:1), shades 2 to 4 are text on dark.
const teal: MantineColorsTuple = ['#ecfdf8', '#d3f5eb', '#a9ebd8', '#74dcc1', '#41c6a7', '#1fae90', '#12947a', '#0e8570', '#0c7866', '#0b6b5c']
// Slightly blue greys: a flat grey looks dirty beside teal.
const dark: MantineColorsTuple = ['#e1e6ea', '#bcc5cc', '#94a0aa', '#6f7b85', '#38424b', '#28313a', '#1b2229', '#12171c', '#0d1115', '#090c0f']
const gray: MantineColorsTuple = ['#f7f9fa', '#eff2f4', '#e4e9ec', '#d5dce1', '#c0c9d0', '#98a4ae', '#78858f', '#515d67', '#36414a', '#1c242b']

const font = "'Inter Variable', 'Inter Fallback', system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"

export const theme = createTheme({
  primaryColor: 'teal',
  primaryShade: 9,
  colors: { teal, dark, gray },
  black: '#1c242b',
  fontFamily: font,
  headings: {
    fontFamily: font,
    fontWeight: '650',
    sizes: {
      h1: { fontSize: '1.5rem', lineHeight: '1.3' },
      h2: { fontSize: '1.125rem', lineHeight: '1.4' },
      h3: { fontSize: '1rem', lineHeight: '1.45' },
    },
  },
  fontSizes: { xs: '0.75rem', sm: '0.875rem', md: '0.9375rem', lg: '1.0625rem', xl: '1.25rem' },
  spacing: { xs: '0.5rem', sm: '0.75rem', md: '1rem', lg: '1.5rem', xl: '2rem' },
  defaultRadius: 'md',
  respectReducedMotion: true,
  cursorType: 'pointer',
  components: {
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true } },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.4, blur: 2 } } },
    Menu: { defaultProps: { shadow: 'md', withinPortal: true, transitionProps: { duration: 80 } } },
    Button: { defaultProps: { fw: 550 } },
    // The asterisk is drawn, and aria-hidden; `required` tells assistive technology.
    InputWrapper: { defaultProps: { inputWrapperOrder: ['label', 'description', 'input', 'error'] } },
  },
})

// Mantine's own values for these fail WCAG AA (4.5:1) on our surfaces; axe in e2e/ watches them.
const lightText: Record<string, string> = {
  teal: '#075346', red: '#a61e1e', orange: '#8f3200', yellow: '#7a4300', green: '#1c5c2b', blue: '#124e86', grape: '#7a2a8c', gray: '#36414a',
}
const darkText: Record<string, string> = {
  teal: '#74dcc1', red: '#ffb3b3', orange: '#ffc78f', yellow: '#ffdf7a', green: '#a0e6ac', blue: '#a5d0fb', grape: '#eebefa', gray: '#bcc5cc',
}
const named = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`--mantine-color-${name}-light-color`, value]))

export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    ...named(lightText),
    '--mantine-color-dimmed': '#515d67',
    '--mantine-color-placeholder': '#66727c',
    '--mantine-color-error': '#b42318',
    '--mantine-color-anchor': '#0b6b5c',
    '--pl-surface': '#ffffff',
    '--pl-sunken': '#f7f9fa',
    '--pl-border': '#e4e9ec',
    '--pl-active': '#e3f3ee',
    '--pl-active-text': '#075346',
    '--pl-lane-caller': '#2f6fb5',
    '--pl-lane-assistant': '#0c7866',
    '--pl-chart-answered': '#12947a',
    '--pl-chart-missed': '#e0975a',
    '--pl-mark': '#ffe9a8',
  },
  dark: {
    ...named(darkText),
    '--mantine-color-dimmed': '#9ba7b1',
    '--mantine-color-placeholder': '#8e9aa4',
    '--mantine-color-error': '#ff9d96',
    '--mantine-color-anchor': '#74dcc1',
    '--pl-surface': '#161c22',
    '--pl-sunken': '#0d1115',
    '--pl-border': '#28313a',
    '--pl-active': '#123a34',
    '--pl-active-text': '#a9ebd8',
    '--pl-lane-caller': '#7db3ee',
    '--pl-lane-assistant': '#41c6a7',
    '--pl-chart-answered': '#1fae90',
    '--pl-chart-missed': '#d98a4b',
    '--pl-mark': '#5c4a12',
  },
})
