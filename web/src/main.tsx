import createCache from '@emotion/cache';
import { CacheProvider } from '@emotion/react';
import CssBaseline from '@mui/material/CssBaseline';
import { ThemeProvider } from '@mui/material/styles';
import '@fontsource/jua/400.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Provider } from 'react-redux';
import { RouterProvider } from 'react-router/dom';

import { resumeSession } from '@/lib/api/http';
import { makeRouter } from '@/app/routes';
import { makeStore } from '@/app/store';
import { theme } from '@/app/theme';

const store = makeStore();
void resumeSession(store);

// Styles made by scripts are let in by the nonce that came with the page: nginx.conf.
const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce;
const cache = createCache({ key: 'ige', ...(nonce && { nonce }) });

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <CacheProvider value={cache}>
      <ThemeProvider theme={theme}>
        <CssBaseline enableColorScheme />
        <Provider store={store}>
          <RouterProvider router={makeRouter()} />
        </Provider>
      </ThemeProvider>
    </CacheProvider>
  </StrictMode>,
);

if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  // After the page is there: its files are those that the worker would fetch too. Without it the app works as well.
  addEventListener(
    'load',
    () => void navigator.serviceWorker.register('/sw.js', { type: 'module' }).catch(() => undefined),
  );
}
