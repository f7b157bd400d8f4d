package org.simplepush.appserver.internal.send;

/**
 * What became of one version at one endpoint. It holds no endpoint, nor anything that a push server
 * wrote, so it is safe to log. Users see it as {@code Verdict}, which says what each kind means.
 */
public sealed interface Outcome {
  /** The kinds. */
  enum Type {
    ACCEPTED,
    GONE,
    REJECTED,
    REFUSED,
    FAILED
  }

  /** Returns the kind. */
  Type type();

  /** The push server took the version; {@code stale} if it said that it has a higher one. */
  record Accepted(boolean stale) implements Outcome {
    /** Not stale. */
    public Accepted() {
      this(false);
    }

    @Override
    public Type type() {
      return Type.ACCEPTED;
    }
  }

  /** The endpoint will never work again. */
  record Gone(int status) implements Outcome {
    @Override
    public Type type() {
      return Type.GONE;
    }
  }

  /** The push server refused the request for good. */
  record Rejected(int status, String reason) implements Outcome {
    @Override
    public Type type() {
      return Type.REJECTED;
    }
  }

  /** The endpoint failed a check of ours. */
  record Refused(Check check, String reason) implements Outcome {
    @Override
    public Type type() {
      return Type.REFUSED;
    }
  }

  /** No attempt succeeded, or none was made. */
  record Failed(Cause cause, int attempts, String reason) implements Outcome {
    @Override
    public Type type() {
      return Type.FAILED;
    }
  }

  /** What an endpoint must be to be connected to. */
  enum Check {
    URL,
    SCHEME,
    PORT,
    ADDRESS,
    REDIRECT
  }

  /** Why there was no success. */
  enum Cause {
    NETWORK,
    TIMEOUT,
    TLS,
    BUSY,
    SERVER_ERROR,
    FULL,
    CLOSED,
    INTERNAL
  }
}
