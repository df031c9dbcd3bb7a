import tseslint from 'typescript-eslint';
import vue from 'eslint-plugin-vue';
import vueAccessibility from 'eslint-plugin-vuejs-accessibility';
import vueParser from 'vue-eslint-parser';

/** `no-restricted-syntax` takes its whole list at once, so each folder's list is put together from these. */
const restricted = {
  defaultExport: {
    selector: 'ExportDefaultDeclaration',
    message: 'Named exports only.',
  },
  sleep: {
    selector: 'NewExpression[callee.name="Promise"] CallExpression[callee.name="setTimeout"][arguments.0.type="Identifier"]',
    message: 'Wait for the thing itself, not for time to pass.',
  },
  sleepBody: {
    selector: 'AwaitExpression > NewExpression[callee.name="Promise"] CallExpression[callee.name="setTimeout"]',
    message: 'Wait for the thing itself, not for time to pass.',
  },
  timersPromises: {
    selector: 'ImportDeclaration[source.value=/timers.promises$/] > ImportSpecifier[imported.name="setTimeout"]',
    message: 'Wait for the thing itself, not for time to pass.',
  },
  importMeta: {
    selector: 'MetaProperty[meta.name="import"]',
    message: 'Forge builds this to CommonJS: paths are handed in.',
  },
  enumeration: {
    selector: 'TSEnumDeclaration',
    message: 'A union of strings: Node runs this file as it is.',
  },
};
const everywhere = [restricted.defaultExport, restricted.sleep, restricted.sleepBody, restricted.timersPromises, restricted.enumeration];

const typed = ['src/**/*.ts', 'tools/**/*.ts', 'tests/**/*.ts', 'bench/**/*.ts'];
const rendererOnly = ['src/renderer/**/*.ts', 'src/pages/**/*.ts'];

export default tseslint.config(
  { ignores: ['node_modules/', '.runtime/', '.vite/', 'dist/', 'out/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    // Read by tools or run by any Node, outside of the typed program.
    files: ['*.config.ts', 'vite.*.ts', 'setup/**/*.mjs', 'eslint.config.js'],
    extends: [tseslint.configs.recommended],
  },
  {
    files: typed,
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { allowDefaultCaseForExhaustiveSwitch: true, considerDefaultExhaustiveForUnions: false, requireDefaultForNonUnion: false },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
      // An implementation of an async port may have nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // Ports are objects of closures, handed on in parts.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'no-restricted-syntax': ['error', ...everywhere],
      eqeqeq: ['error', 'always'],
      'no-console': 'error',
    },
  },
  {
    files: rendererOnly,
    languageOptions: {
      parserOptions: { project: './tsconfig.renderer.json', extraFileExtensions: ['.vue'], tsconfigRootDir: import.meta.dirname },
    },
    // What a component is, only vue-tsc knows.
    rules: { '@typescript-eslint/no-unsafe-argument': 'off', '@typescript-eslint/no-unsafe-assignment': 'off' },
  },
  {
    files: ['src/main/**/*.ts', 'src/drivers/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...everywhere, restricted.importMeta] },
  },
  {
    // Matchers such as expect.any() are typed so.
    files: ['tests/**/*.ts'],
    rules: { '@typescript-eslint/no-unsafe-assignment': 'off' },
  },
  {
    // Their runners take the default export.
    files: ['tests/runner/*-reporter.ts'],
    rules: { 'no-restricted-syntax': ['error', ...everywhere.filter((rule) => rule !== restricted.defaultExport)] },
  },
  {
    files: ['src/**/*.vue'],
    extends: [...vue.configs['flat/recommended'], ...vueAccessibility.configs['flat/recommended']],
    languageOptions: {
      parser: vueParser,
      parserOptions: { parser: tseslint.parser, extraFileExtensions: ['.vue'] },
    },
    rules: {
      'vue/multi-word-component-names': 'off',
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/no-v-html': 'error',
      // Exhaustive switches, which the type check knows to return.
      'vue/return-in-computed-property': 'off',
      // Form, not sense.
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/attributes-order': 'off',
      'vue/first-attribute-linebreak': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/require-default-prop': 'off',
    },
  },
);
