package org.simplepush.appserver.internal.http;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import okhttp3.Headers;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;

/** Reads {@code Retry-After}, which is a number of seconds or a date (RFC 9110 §10.2.3). */
final class RetryAfter {
  private static final String HEADER = "Retry-After";

  private RetryAfter() {}

  /** Returns how long the server asks to be left alone, zero or more; null if it does not say. */
  static @Nullable Duration of(Response response, InstantSource wallClock) {
    Headers headers = response.headers();
    String value = headers.get(HEADER);
    if (value == null) {
      return null;
    }
    if (!value.isEmpty() && value.chars().allMatch(c -> c >= '0' && c <= '9')) {
      // Longer than any long is certainly longer than any clamp.
      return Duration.ofSeconds(value.length() > 9 ? 999_999_999 : Long.parseLong(value));
    }
    Instant until = headers.getInstant(HEADER);
    if (until == null) {
      return null;
    }
    // By the clock of the server, if the answer has its time: ours may differ.
    Instant sent = headers.getInstant("Date");
    Duration left = Duration.between(sent != null ? sent : wallClock.instant(), until);
    return left.isNegative() ? Duration.ZERO : left;
  }
}
