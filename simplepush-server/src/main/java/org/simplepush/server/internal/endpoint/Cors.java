package org.simplepush.server.internal.endpoint;

import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.EndpointHandler.Request;
import org.simplepush.server.EndpointHandler.Response;

/**
 * Lets pages of other origins publish from a browser. It asks first, with OPTIONS, and shows an
 * answer to the page if that has the headers that are added here.
 *
 * @param allowedOrigins as browsers send them; {@code *} allows all
 */
record Cors(Set<String> allowedOrigins) {
  Cors {
    allowedOrigins = Set.copyOf(allowedOrigins);
  }

  /** Returns the origin that a request names, if it is allowed; else null. */
  @Nullable String allowedOrigin(Request request) {
    String origin = request.header("Origin");
    return origin != null && (allowedOrigins.contains(origin) || allowedOrigins.contains("*"))
        ? origin
        : null;
  }

  /** Returns the answer with what shows it to pages of this origin. */
  static Response show(Response answer, String origin) {
    return Answers.with(
        answer,
        Map.of(
            "Access-Control-Allow-Origin",
            origin,
            "Access-Control-Allow-Methods",
            Answers.METHODS,
            "Access-Control-Allow-Headers",
            "Content-Type",
            "Vary",
            "Origin"));
  }
}
