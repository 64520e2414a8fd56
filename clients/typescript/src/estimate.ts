/** An estimate of the input, where its number of tokens is not known before the call. */

/** Counts the tokens of a text. */
export type Tokenizer = (text: string) => number;

// What holds no text that the model reads as such.
const NO_TEXT = new Set([
  "data",
  "url",
  "image_url",
  "file_data",
  "input_audio",
  "source",
  "type",
  "role",
  "id",
]);
const PAIRS = /[\uD800-\uDBFF][\uDC00-\uDFFF]/g;

/**
 * Estimates the tokens of a text, or of all texts in messages: a quarter of the characters.
 *
 * Only an estimate: off by a third for prose, by more for code and for other scripts, and blind to
 * images and audio. A tokenizer makes it better. The record that follows has the provider's own
 * figures.
 */
export function estimateTokens(content: unknown, tokenizer?: Tokenizer): number {
  let sum = 0;
  for (const text of texts(content)) {
    sum += tokenizer ? tokenizer(text) : text.length - (text.match(PAIRS)?.length ?? 0);
  }
  return tokenizer ? sum : Math.ceil(sum / 4);
}

function* texts(content: unknown): Iterable<string> {
  if (typeof content === "string") {
    yield content;
  } else if (Array.isArray(content)) {
    for (const value of content) {
      yield* texts(value);
    }
  } else if (typeof content === "object" && content !== null && !ArrayBuffer.isView(content)) {
    for (const [key, value] of Object.entries(content)) {
      if (!NO_TEXT.has(key)) {
        yield* texts(value);
      }
    }
  }
}
