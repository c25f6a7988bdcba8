/** Load the page of the current address in parallel with the app, which would request it only after its start. */

import { lazyRouteAt } from '@/app/lazyRoutes';

// The router loads it again after a failure, and shows the error.
lazyRouteAt(location.pathname)?.().catch(() => undefined);
