package org.simplepush.server;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A request to an endpoint without an HTTP server around it. */
record TestRequest(
    String method,
    String path,
    String query,
    Map<String, List<String>> headers,
    ByteBuffer body,
    boolean bodyAnnounced,
    Map<String, List<String>> parameters)
    implements EndpointHandler.Request {
  /** With a body, or surely none. */
  static TestRequest of(
      String method, String path, String query, String contentType, String origin, String body) {
    return of(method, path, query, contentType, origin, body.getBytes(StandardCharsets.UTF_8));
  }

  static TestRequest of(
      String method, String path, String query, String contentType, String origin, byte[] body) {
    Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    if (contentType != null) {
      headers.put("content-type", List.of(contentType));
    }
    if (origin != null) {
      headers.put("origin", List.of(origin));
    }
    return new TestRequest(method, path, query, headers, ByteBuffer.wrap(body), false, Map.of());
  }

  /** A PUT as small senders write it. */
  static TestRequest put(String path, String body) {
    return of("PUT", path, null, null, null, body);
  }

  /** The same request, but something in front has read the body and may know its parameters. */
  TestRequest consumed(Map<String, List<String>> parameters) {
    return new TestRequest(method, path, query, headers, ByteBuffer.allocate(0), true, parameters);
  }

  @Override
  public List<String> headers(String name) {
    return headers.getOrDefault(name, List.of());
  }
}
