package io.tollgate;

import java.util.List;
import java.util.Locale;

/**
 * What a provider answered, without its content: of it only numbers are kept, and a few names such
 * as that of the model. The server reads model, tier and usage in it.
 */
public final class ProviderAnswer {

  private final String provider;
  private final Parts parts;
  private final List<String> json;

  private ProviderAnswer(String provider, Parts parts) {
    this.provider = provider.toLowerCase(Locale.ROOT);
    this.parts = parts;
    json = List.copyOf(Parts.toJson(parts.events()));
  }

  /**
   * Reduces the parts of an answer: the whole answer, its usage alone, or the events of one stream.
   * Of more than 16 parts those with figures are kept, and of more than 16 of these the first and
   * the last 15.
   *
   * @param parts JSON (a string, bytes, or a tree of a JSON library), maps, objects of an SDK, or
   *     lists of these
   * @throws IllegalArgumentException if there is no part, if one is none of these, or if what is
   *     kept is larger than 64 KiB
   */
  public static ProviderAnswer of(Object... parts) {
    return from("", parts);
  }

  /**
   * Reduces the parts of an answer, and names the provider.
   *
   * @param provider such as {@code openai} or {@code bedrock}: it decides where two readings are
   *     possible; empty to find out
   * @param parts as above
   * @throws IllegalArgumentException as above
   */
  public static ProviderAnswer from(String provider, Object... parts) {
    if (parts.length == 0) {
      throw new IllegalArgumentException("a provider answer has at least one part");
    }
    Parts kept = new Parts();
    for (int at = 0; at < parts.length; at++) {
      try {
        kept.add(Reduction.events(Json.tree(parts[at])));
      } catch (IllegalArgumentException error) {
        throw new IllegalArgumentException(
            "part " + at + " of a provider answer: " + error.getMessage(), error);
      }
    }
    return new ProviderAnswer(provider, kept);
  }

  /** The hint that it was made with; empty for none. */
  public String provider() {
    return provider;
  }

  /** The texts that are sent. */
  public List<String> json() {
    return json;
  }

  /** Makes the message of the API. */
  public io.tollgate.v1.ProviderAnswer toProto() {
    return io.tollgate.v1.ProviderAnswer.newBuilder()
        .setProvider(provider)
        .addAllJson(json)
        .build();
  }

  Parts parts() {
    return parts;
  }
}
