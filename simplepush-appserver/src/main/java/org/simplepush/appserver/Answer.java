package org.simplepush.appserver;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What one request came to. */
sealed interface Answer {
  /**
   * The push server answered.
   *
   * @param retryAfter how long it asked to be left alone, as it said it; null if it did not
   * @param stale whether the body said that there is a higher version
   */
  record Status(int code, @Nullable Duration retryAfter, boolean stale) implements Answer {}

  /** No answer; another attempt may get one. */
  record Broken(Verdict.Cause cause, String reason) implements Answer {}

  /** Not sent: the endpoint failed a check that could only be made while connecting. */
  record Barred(Verdict.Refused refusal) implements Answer {}

  /** Returns the verdict on this answer, or null if another attempt may get a better one. */
  default @Nullable Verdict verdict() {
    if (this instanceof Barred barred) {
      return barred.refusal();
    }
    if (!(this instanceof Status status)) {
      return null;
    }
    int code = status.code();
    if (code >= 200 && code < 300) {
      return new Verdict.Accepted(status.stale());
    }
    if (code == 404 || code == 410) {
      return new Verdict.Gone(code);
    }
    if (code == 408 || code == 429 || code >= 500) {
      return null;
    }
    if (code >= 300 && code < 400) {
      return new Verdict.Refused(
          Verdict.Check.REDIRECT,
          "The push server redirected the request; an endpoint must answer by itself.");
    }
    return new Verdict.Rejected(code, rejection(code));
  }

  /** Returns the verdict if there is to be no other attempt after this, the {@code attempts}th. */
  default Verdict lastVerdict(int attempts) {
    Verdict verdict = verdict();
    if (verdict != null) {
      return verdict;
    }
    if (this instanceof Broken broken) {
      return new Verdict.Failed(broken.cause(), attempts, broken.reason());
    }
    int code = ((Status) this).code();
    return code == 429
        ? new Verdict.Failed(
            Verdict.Cause.BUSY, attempts, "The push server asked for fewer requests (429).")
        : new Verdict.Failed(
            Verdict.Cause.SERVER_ERROR,
            attempts,
            "The push server could not serve it (" + code + ").");
  }

  private static String rejection(int code) {
    return switch (code) {
      case 400 -> "The push server does not understand the version; is it a SimplePush server?";
      case 401, 403, 407 -> "The push server, or a proxy, wants credentials; endpoints need none.";
      case 405 -> "The endpoint takes no PUT; it is not a SimplePush endpoint.";
      case 413, 415 ->
          "The push server does not take the form of the request; is it a SimplePush server?";
      default -> "The push server refused the request with status " + code + ".";
    };
  }
}
