import createCache from '@emotion/cache';
import { CacheProvider } from '@emotion/react';
import CssBaseline from '@mui/material/CssBaseline';
import { ThemeProvider } from '@mui/material/styles';
import '@fontsource/jua/400.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Provider } from 'react-redux';
import { RouterProvider } from 'react-router/dom';

import { makeRouter } from '@/app/routes';
import { makeStore } from '@/app/store';
import { theme } from '@/app/theme';
import { resumeSession } from '@/lib/api/http';

const store = makeStore();
void resumeSession(store);

// The content security policy allows styles of scripts by the nonce of the page (nginx.conf).
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
  // After the load event, because the worker fetches the same files. The app works without it.
  addEventListener(
    'load',
    () => void navigator.serviceWorker.register('/sw.js', { type: 'module' }).catch(() => undefined),
  );
}
