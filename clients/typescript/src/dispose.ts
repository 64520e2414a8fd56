/** `await using` asks for this symbol, which Node knows from 20.5 on. Imported before all else. */
const symbols: { asyncDispose?: symbol } = Symbol;
if (symbols.asyncDispose === undefined) {
  Object.defineProperty(symbols, "asyncDispose", { value: Symbol.for("nodejs.asyncDispose") });
}
export {};
