// Package javascript holds the recipe of the JavaScript and TypeScript runtime,
// a graflow v1 reactor made of QuickJS, and its tests; there is no Go code.
//
//   - shim/ is the reactor in C: exports, host functions, values to and from JSON.
//   - prelude/ is JavaScript that a run finds: console, timers, URL, fetch, ctx, tools.
//   - patches/ is what we change in QuickJS; build.sh puts it all together.
//   - conformance/ runs the tests of the engine's authors.
package javascript
