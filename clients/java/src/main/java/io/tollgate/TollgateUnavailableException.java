package io.tollgate;

/**
 * Tollgate did not answer and the policy is {@link OnUnavailable#CLOSED}, or the caller waited for
 * a record. The cause is the error of the last try.
 */
public final class TollgateUnavailableException extends TollgateException {
  private static final long serialVersionUID = 1;

  TollgateUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
