package org.simplepush.server.internal.endpoint;

import java.util.LinkedHashMap;
import java.util.Map;
import org.simplepush.server.EndpointHandler.Response;

/** What an endpoint answers with. */
final class Answers {
  /** What may be done with an endpoint. */
  static final String METHODS = "PUT, OPTIONS";

  static final Response ACCEPTED = json(200, "{}", Map.of());

  static final Response STALE = json(200, "{\"stale\":true}", Map.of());

  private Answers() {}

  static Response options() {
    return new Response(204, Map.of("Allow", METHODS), "");
  }

  static Response unavailable(String sentence) {
    return error(503, sentence, Map.of("Retry-After", "5"));
  }

  static Response error(int status, String sentence) {
    return error(status, sentence, Map.of());
  }

  /** The sentences are our own: none needs escaping. */
  static Response error(int status, String sentence, Map<String, String> headers) {
    return json(status, "{\"status\":" + status + ",\"error\":\"" + sentence + "\"}", headers);
  }

  /** Returns the same answer with more headers. */
  static Response with(Response answer, Map<String, String> more) {
    Map<String, String> headers = new LinkedHashMap<>(answer.headers());
    headers.putAll(more);
    return new Response(answer.status(), headers, answer.body());
  }

  private static Response json(int status, String body, Map<String, String> more) {
    Map<String, String> headers = new LinkedHashMap<>(more);
    headers.put("Content-Type", "application/json");
    return new Response(status, headers, body);
  }
}
