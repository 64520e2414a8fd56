/**
 * An estimate of the input, where its number of tokens is not known before the call.
 *
 * The rule and its cases are in clients/conformance/estimate.json, the same for all clients.
 */
import { entriesOf, fold, folded } from "./answer.js";

/** Counts the tokens of a text. */
export type Tokenizer = (text: string) => number;

/** The rule. Names are compared without regard to case, `_` and `-`. */
export const ESTIMATE = {
  asciiPerToken: 4,
  otherPerToken: 2,
  /** Characters that are a token each, in hexadecimal: Chinese, Japanese, Korean, pictographs. */
  wholeTokens: [
    ["1100", "11FF"],
    ["2E80", "A4CF"],
    ["A960", "A97F"],
    ["AC00", "D7FF"],
    ["F900", "FAFF"],
    ["FE30", "FE4F"],
    ["FF00", "FFEF"],
    ["1B000", "1B16F"],
    ["1F000", "1FAFF"],
    ["20000", "3FFFF"],
  ],
  /** Tokens of an image, a file or a recording, whatever its size. */
  itemTokens: { openaiImage: 1105, openaiImageLow: 85, other: 1600 },
  openaiImageTypes: ["image_url", "input_image"],
  itemTypes: [
    "audio",
    "computer_screenshot",
    "document",
    "file",
    "image",
    "image_file",
    "input_audio",
    "input_file",
    "video",
  ],
  /** An object with such a type, or with an object under such a name, is an item. */
  itemMembers: ["audio", "document", "file_data", "image", "inline_data", "video"],
  /** Members of which the model reads the names, too. */
  definitions: [
    "args",
    "arguments",
    "function_declarations",
    "functions",
    "response_format",
    "text",
    "tool_config",
    "tools",
  ],
  /** Members that hold no text which the model reads as such. */
  skipped: [
    "cache_control",
    "call_id",
    "data",
    "encrypted_content",
    "file_data",
    "id",
    "image_url",
    "input_audio",
    "role",
    "signature",
    "source",
    "status",
    "thought_signature",
    "tool_call_id",
    "tool_use_id",
    "type",
    "url",
  ],
} as const;

const IMAGES = folded(ESTIMATE.openaiImageTypes);
const TYPES = folded(ESTIMATE.itemTypes);
const INSIDE = [...folded(ESTIMATE.itemMembers)];
const DEFINITIONS = folded(ESTIMATE.definitions);
const SKIPPED = folded(ESTIMATE.skipped);
const RANGES = ESTIMATE.wholeTokens.map(([from, to]) => `\\u{${from}}-\\u{${to}}`).join("");
const WHOLE = new RegExp(`[${RANGES}]`, "gu");
const ASCII = /[\u0000-\u007f]/g;
const PAIRS = /[\uD800-\uDBFF][\uDC00-\uDFFF]/g;

/**
 * Estimates the tokens of a text, or of messages, with what belongs to them.
 *
 * Four ASCII characters are a token, one of Chinese, Japanese or Korean, two of any other script;
 * an image or a file is a constant. Tool definitions (under `tools`, `functions`,
 * `response_format`) count with their names. Only an estimate: a tokenizer counts texts better. The
 * record that follows has the provider's own figures.
 */
export function estimateTokens(content: unknown, tokenizer?: Tokenizer): number {
  const counted = new Counted(tokenizer);
  counted.walk(content);
  return counted.tokens + Math.ceil(counted.quarters / 4);
}

class Counted {
  tokens = 0;
  quarters = 0;
  readonly #tokenizer: Tokenizer | undefined;

  constructor(tokenizer: Tokenizer | undefined) {
    this.#tokenizer = tokenizer;
  }

  walk(value: unknown): void {
    if (typeof value === "string") {
      this.#text(value);
    } else if (Array.isArray(value)) {
      value.forEach((item) => {
        this.walk(item);
      });
    } else {
      this.#object(value);
    }
  }

  #object(value: unknown): void {
    const members = named(value);
    const quoted = quotedIn(members);
    if (quoted !== undefined) {
      this.walk(quoted);
      return;
    }
    const tokens = itemTokens(members);
    this.tokens += tokens;
    for (const [name, inner] of tokens > 0 ? [] : members) {
      if (DEFINITIONS.has(name)) {
        this.#define(inner);
      } else if (!SKIPPED.has(name)) {
        this.walk(inner);
      }
    }
  }

  /** Counts names and values: each name, number and boolean is a token at least. */
  #define(value: unknown): void {
    if (typeof value === "string") {
      this.#text(value);
    } else if (typeof value === "number" || typeof value === "boolean") {
      this.tokens += 1;
    } else if (Array.isArray(value)) {
      value.forEach((item) => {
        this.#define(item);
      });
    } else {
      for (const [name, inner] of entriesOf(value) ?? []) {
        if (inner !== undefined && inner !== null) {
          this.#text(name);
          this.tokens += 1;
          this.#define(inner);
        }
      }
    }
  }

  #text(text: string): void {
    if (this.#tokenizer) {
      this.tokens += this.#tokenizer(text);
      return;
    }
    const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
    const [ascii, whole] = [count(ASCII), count(WHOLE)];
    const other = text.length - count(PAIRS) - ascii - whole;
    const { asciiPerToken, otherPerToken } = ESTIMATE;
    this.quarters += (ascii * 4) / asciiPerToken + whole * 4 + (other * 4) / otherPerToken;
  }
}

/** Members by their names as they are compared. */
function named(value: unknown): Map<string, unknown> {
  return new Map(Array.from(entriesOf(value) ?? [], ([name, inner]) => [fold(name), inner]));
}

/** Gives the text of a document that is text. */
function quotedIn(members: Map<string, unknown>): unknown {
  if (members.get("type") !== "document") {
    return undefined;
  }
  const source = named(members.get("source"));
  const type = source.get("type");
  if (type === "text") {
    return source.get("data");
  }
  return type === "content" ? source.get("content") : undefined;
}

function itemTokens(members: Map<string, unknown>): number {
  const { openaiImage, openaiImageLow, other } = ESTIMATE.itemTokens;
  const type = fold(String(members.get("type")));
  if (IMAGES.has(type)) {
    const detail = named(members.get("imageurl")).get("detail") ?? members.get("detail");
    return detail === "low" ? openaiImageLow : openaiImage;
  }
  const inside = INSIDE.some((name) => entriesOf(members.get(name)) !== undefined);
  return TYPES.has(type) || inside ? other : 0;
}
