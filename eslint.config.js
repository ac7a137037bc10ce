import js from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.cache/', '.dependency-cruiser.cjs'] },
  js.configs.recommended,
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: { globals: { console: 'readonly', process: 'readonly' } },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'no-console': 'error',
    },
  },
  {
    // Code outside of these places may run in a browser, which has none of Node's globals.
    files: ['tiles-spec/**/*.ts', 'src/**/*.ts', 'reader/**/*.ts'],
    ignores: ['**/node/**', 'src/store/**', 'src/http-server/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        'Buffer',
        'process',
        'global',
        'require',
        'setImmediate',
        'clearImmediate',
        '__dirname',
        '__filename',
      ],
    },
  },
  {
    // The command line is the one place that prints.
    files: ['cli/**/*.ts', 'bench/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
);
