/** Begins to load the screen of the address beside the app, which would ask for it only when it runs. */

import { screenAt } from '@/app/lazyRoutes';

// What fails here the router asks for again, and tells of.
screenAt(location.pathname)?.().catch(() => undefined);
