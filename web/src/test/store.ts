/** The app's store, for tests of the layers below `app`. */

export { makeStore } from '@/app/store';
