// language.js: runs before anything that asks for the browser's language. Browsers in the locale of containers name one (en-US@posix) that their own Intl refuses.

try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en' });
}
