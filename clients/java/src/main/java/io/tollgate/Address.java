package io.tollgate;

import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a client connects: one grammar, the same in every language.
 *
 * @param target what gRPC dials: {@code host:port} or {@code unix:/path}
 * @param tls whether with TLS
 */
record Address(String target, boolean tls) {

  private static final String PORT = "50051";
  private static final int PORT_MAX = 65_535;
  private static final Map<String, String> PORTS = Map.of("http", "80", "https", "443");
  private static final Pattern SCHEME =
      Pattern.compile(
          "(?:(https?)://|(dns):(?:///)?|(unix):(?://)?)(.*)",
          Pattern.CASE_INSENSITIVE | Pattern.DOTALL);
  private static final Pattern HOST =
      Pattern.compile("(\\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?");
  private static final Pattern LOOPBACK =
      Pattern.compile("unix:.*|(localhost|127(\\.\\d{1,3}){3}|\\[::1]):\\d+");

  /**
   * Reads an address. The port is 50051 where none is said, with http 80 and with https 443.
   *
   * @param tls whether TLS is asked for beside it
   * @throws IllegalArgumentException for what is no address; it is not shown, as there may be a
   *     password in it
   */
  static Address parse(String address, boolean tls) {
    Matcher found = SCHEME.matcher(address);
    String scheme = "";
    String rest = address;
    if (found.matches()) {
      scheme = (or(found.group(1)) + or(found.group(2)) + or(found.group(3))).toLowerCase(Locale.ROOT);
      rest = found.group(4);
    }
    if (rest.contains("@")) {
      throw noAddress("it has user information: give the token as token");
    }
    if (tls && (scheme.equals("http") || scheme.equals("unix"))) {
      throw noAddress(scheme + " is plaintext, and tls() is set");
    }
    if (scheme.equals("unix")) {
      if (!rest.startsWith("/")) {
        throw noAddress("a socket is named by its whole path");
      }
      return new Address("unix:" + rest, false);
    }
    String port = PORTS.get(scheme);
    if (port != null && rest.endsWith("/")) {
      rest = rest.substring(0, rest.length() - 1);
    }
    Matcher parts = HOST.matcher(rest);
    if (!parts.matches()) {
      throw noAddress("it is not a host and a port");
    }
    int number = Integer.parseInt(parts.group(2) != null ? parts.group(2) : port == null ? PORT : port);
    if (number < 1 || number > PORT_MAX) {
      throw noAddress("its port is not one from 1 to 65535");
    }
    return new Address(parts.group(1) + ":" + number, tls || scheme.equals("https"));
  }

  /** Whether what is sent there stays on this machine. */
  boolean isLoopback() {
    return LOOPBACK.matcher(target).matches();
  }

  private static String or(String found) {
    return found == null ? "" : found;
  }

  private static IllegalArgumentException noAddress(String why) {
    return new IllegalArgumentException(
        "the address cannot be dialled: "
            + why
            + "; expected host, host:port, [IPv6]:port, http://host:port, https://host:port, "
            + "dns:host:port or unix:/path");
  }
}
