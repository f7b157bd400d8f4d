package org.simplepush.appserver.internal.send;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What one request came to. */
public sealed interface Answer {
  /**
   * Returns the outcome, or null if another attempt may have a better one.
   *
   * @return final, so never {@link Outcome.Failed}
   */
  @Nullable Outcome outcome();

  /** Returns the outcome if there is no other attempt after this, the {@code attempts}th. */
  Outcome lastOutcome(int attempts);

  /**
   * The push server answered.
   *
   * @param retryAfter how long it asked to be left alone, as it said it; null if it did not
   * @param stale whether the body said that there is a higher version
   */
  record Status(int code, @Nullable Duration retryAfter, boolean stale) implements Answer {
    @Override
    public @Nullable Outcome outcome() {
      if (code >= 200 && code < 300) {
        return new Outcome.Accepted(stale);
      }
      if (code == 404 || code == 410) {
        return new Outcome.Gone(code);
      }
      if (code == 408 || code == 429 || code >= 500) {
        return null;
      }
      if (code >= 300 && code < 400) {
        return new Outcome.Refused(
            Outcome.Check.REDIRECT,
            "The push server redirected the request; an endpoint must answer itself.");
      }
      return new Outcome.Rejected(code, rejection());
    }

    @Override
    public Outcome lastOutcome(int attempts) {
      Outcome outcome = outcome();
      if (outcome != null) {
        return outcome;
      }
      return code == 429
          ? new Outcome.Failed(
              Outcome.Cause.BUSY, attempts, "The push server asked for fewer requests (429).")
          : new Outcome.Failed(
              Outcome.Cause.SERVER_ERROR,
              attempts,
              "The push server could not serve the request (" + code + ").");
    }

    private String rejection() {
      return switch (code) {
        case 400 -> "The push server does not understand the version; is it a SimplePush server?";
        case 401, 403, 407 ->
            "The push server, or a proxy, wants credentials; endpoints need none.";
        case 405 -> "The endpoint takes no PUT; it is not a SimplePush endpoint.";
        case 413, 415 ->
            "The push server does not take the form of the request; is it a SimplePush server?";
        default -> "The push server refused the request with status " + code + ".";
      };
    }
  }

  /** No answer. */
  record Broken(Outcome.Cause cause, String reason) implements Answer {
    @Override
    public @Nullable Outcome outcome() {
      return null;
    }

    @Override
    public Outcome lastOutcome(int attempts) {
      return new Outcome.Failed(cause, attempts, reason);
    }
  }

  /** Not sent: the endpoint failed a check that could only be made while connecting. */
  record Barred(Outcome.Refused refusal) implements Answer {
    @Override
    public Outcome outcome() {
      return refusal;
    }

    @Override
    public Outcome lastOutcome(int attempts) {
      return refusal;
    }
  }
}
