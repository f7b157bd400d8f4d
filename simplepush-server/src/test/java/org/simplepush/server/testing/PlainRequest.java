package org.simplepush.server.testing;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.EndpointHandler;

/**
 * A request that was read from a socket, or made up.
 *
 * @param headers by lower-case name
 */
record PlainRequest(
    String method,
    String path,
    @Nullable String query,
    Map<String, String> headers,
    ByteBuffer body)
    implements EndpointHandler.Request {
  @Override
  public List<String> headers(String name) {
    String value = headers.get(name.toLowerCase(Locale.ROOT));
    return value == null ? List.of() : List.of(value);
  }

  @Override
  public boolean bodyAnnounced() {
    return false;
  }
}
