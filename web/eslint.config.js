import { readdirSync } from 'node:fs';

import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import checkFile from 'eslint-plugin-check-file';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import jsxA11y from 'eslint-plugin-jsx-a11y-x';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

const features = readdirSync('src/features');

/** Imports point one way: lib, components, features, app. A feature does not import another one. */
const LAYERS = [
  { target: 'src/lib', from: ['src/components', 'src/features', 'src/app'] },
  { target: 'src/components', from: ['src/features', 'src/app'] },
  { target: 'src/features', from: ['src/app'] },
  ...features.map((feature) => ({ target: `src/features/${feature}`, from: 'src/features', except: [feature] })),
  { target: 'sw', from: 'src' },
];

const TESTS = ['src/**/*.test.*', 'src/test/**'];

export default defineConfig(
  { ignores: ['dist', 'e2e/results', 'src/lib/api/schema.d.ts'] },
  js.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  reactHooks.configs.flat.recommended,
  jsxA11y.configs.recommended,
  {
    plugins: { 'check-file': checkFile, 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true } },
    settings: {
      'import-x/resolver-next': [
        createNodeResolver({
          extensions: ['.ts', '.tsx', '.d.ts', '.js'],
          tsconfig: { configFile: `${import.meta.dirname}/tsconfig.json` },
        }),
      ],
      'import-x/extensions': ['.ts', '.tsx'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts', '.tsx'] },
      // MUI renders the element of the property `component`.
      'jsx-a11y-x': { polymorphicPropName: 'component' },
    },
    rules: {
      // The return value of an event handler is ignored, so it may be a promise.
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      // Features extend this interface.
      '@typescript-eslint/no-empty-object-type': ['error', { allowWithName: '^LazySlices$' }],
      // Slices and queries of Redux Toolkit have methods that do not use `this`.
      '@typescript-eslint/unbound-method': 'off',
      // Only in dialogs, where a component of MUI receives the focus.
      'jsx-a11y-x/no-autofocus': ['error', { ignoreNonDOM: true }],
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones: LAYERS }],
      'import-x/no-unresolved': 'error',
      'import-x/order': [
        'error',
        {
          groups: ['builtin', 'external', 'internal', ['parent', 'sibling', 'index']],
          pathGroups: [{ pattern: '@/**', group: 'internal' }],
          'newlines-between': 'always',
          alphabetize: { order: 'asc', caseInsensitive: true },
        },
      ],
      'check-file/filename-naming-convention': [
        'error',
        { 'src/**/!(use*|icons|main|render|routes|*.test).tsx': 'PASCAL_CASE', '{src,sw,e2e}/**/*.ts': 'CAMEL_CASE' },
        { ignoreMiddleExtensions: true },
      ],
    },
  },
  // Only tests import `src/test`.
  {
    files: ['src/**'],
    ignores: TESTS,
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: ['**/test/*'] }] },
  },
  // Fixtures of Playwright are not hooks of React.
  { files: ['e2e/**'], rules: { 'react-hooks/rules-of-hooks': 'off' } },
  { files: ['**/*.js'], extends: [tseslint.configs.disableTypeChecked] },
);
