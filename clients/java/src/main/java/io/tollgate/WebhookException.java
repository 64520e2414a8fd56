package io.tollgate;

/** A delivery to a webhook that is not from the server, or too old; it says why. */
public final class WebhookException extends TollgateException {
  private static final long serialVersionUID = 1;

  WebhookException(String message) {
    super(message, null);
  }
}
