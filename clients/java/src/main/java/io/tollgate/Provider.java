package io.tollgate;

/** Whose answers a {@link UsageReader} reads. */
public enum Provider {
  /** OpenAI and what speaks like it: chat completions and responses. */
  OPENAI,
  /** Anthropic's messages. */
  ANTHROPIC,
  /** Gemini's generateContent. */
  GEMINI,
  /** Found out by the names of the fields. */
  ANY
}
