package org.simplepush.examples.notify;

import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;

/**
 * Reads endpoints from a text, one a line, as they are needed: however many there are, few are in
 * memory. Empty lines and lines that begin with {@code #} are passed over.
 */
final class Endpoints {
  private Endpoints() {}

  /**
   * Returns the endpoints of a text, once.
   *
   * @param unreadable called for each line that is not a URL
   */
  static Stream<URI> read(InputStream text, Runnable unreadable) {
    return lines(text)
        .mapMulti(
            (line, sink) -> {
              try {
                sink.accept(new URI(line.strip()));
              } catch (URISyntaxException e) {
                unreadable.run(); // without the line, which may be a mistyped secret
              }
            });
  }

  /** Returns the lines that hold an endpoint, or should. */
  static Stream<String> lines(InputStream text) {
    return new BufferedReader(new InputStreamReader(text, StandardCharsets.UTF_8))
        .lines()
        .filter(line -> !line.isBlank() && !line.startsWith("#"));
  }
}
