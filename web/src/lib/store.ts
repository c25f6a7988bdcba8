/** Types and hooks of the store. `app/store.ts` creates it; a feature injects its own slice when it is loaded. */

import { combineSlices, type Store, type ThunkDispatch, type UnknownAction } from '@reduxjs/toolkit';
import { useDispatch, useSelector, useStore } from 'react-redux';

import { api } from './api/api';
import type { ApiClient } from './api/apiClient';
import { session } from './api/session';
import { language } from './i18n';
import { notices } from './notices';

/** Slices that features inject; each feature adds its own by `declare module '@/lib/store'`. */
export interface LazySlices {}

export const rootReducer = combineSlices(api, language, notices, session).withLazyLoadedSlices<LazySlices>();

export type RootState = ReturnType<typeof rootReducer>;
export type AppDispatch = ThunkDispatch<RootState, ApiClient, UnknownAction>;
export type AppStore = Store<RootState> & { dispatch: AppDispatch };

export const useAppDispatch = useDispatch.withTypes<AppDispatch>();
export const useAppSelector = useSelector.withTypes<RootState>();
export const useAppStore = useStore.withTypes<AppStore>();
