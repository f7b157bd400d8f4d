package org.simplepush.appserver;

/**
 * What became of one notification.
 *
 * <p>No verdict holds an endpoint, or anything a stranger's server wrote: verdicts are safe to log.
 *
 * @since 0.1
 */
public sealed interface Verdict {
  /** The kinds of verdicts, for a {@code switch} that covers all. */
  enum Type {
    /** Of {@link Verdict.Accepted}. */
    ACCEPTED,
    /** Of {@link Verdict.Gone}. */
    GONE,
    /** Of {@link Verdict.Rejected}. */
    REJECTED,
    /** Of {@link Verdict.Refused}. */
    REFUSED,
    /** Of {@link Verdict.Failed}. */
    FAILED
  }

  /** Returns which of the records below this is. */
  Type type();

  /**
   * The push server took the version, or already had a newer one (protocol §8). The device learns
   * of it, or of a newer one, when it is next connected.
   *
   * <p>If {@code stale}, the push server has a higher version than the one that was sent, which
   * therefore is no news to the device. Push servers that do not say so count as not stale, and so
   * does a version that the server has already, because a retry after a lost answer sends it again.
   *
   * <p>What to do: compare with the highest version that your application has published to this
   * endpoint, by every thread, process and {@code publishAll}. If that is higher than this one, a
   * later call of yours was faster, and all is well. If not, somebody else knows the endpoint and
   * has published a version that yours may never reach (protocol §12). Registering again gives the
   * same endpoint and helps nobody: ask the application on the device to <em>replace</em> the
   * endpoint, and forget this one when it has sent you the new one.
   *
   * @param stale whether the push server said that it has a higher version; said to every call that
   *     collapsed into the request
   */
  record Accepted(boolean stale) implements Verdict {
    /** Not stale. */
    public Accepted() {
      this(false);
    }

    @Override
    public Type type() {
      return Type.ACCEPTED;
    }
  }

  /**
   * The endpoint will never work again: forget it. The device gets a new one when its application
   * registers anew.
   *
   * @param status 404 (never issued by this server) or 410 (its channel or user agent is gone)
   */
  record Gone(int status) implements Verdict {
    @Override
    public Type type() {
      return Type.GONE;
    }
  }

  /**
   * Refused for good by the push server: the same request would get the same answer.
   *
   * @param status the HTTP status, neither 2xx nor one of those that {@link Gone} and {@link
   *     Failed} stand for
   * @param reason what the status means, in English
   */
  record Rejected(int status, String reason) implements Verdict {
    @Override
    public Type type() {
      return Type.REJECTED;
    }
  }

  /**
   * Refused by this notifier, by a check that protects this machine's network from endpoints that
   * strangers chose. Nothing was sent, except if {@code check} is {@link Check#REDIRECT}.
   *
   * @param check which check
   * @param reason what it wants, in English
   */
  record Refused(Check check, String reason) implements Verdict {
    @Override
    public Type type() {
      return Type.REFUSED;
    }
  }

  /**
   * Given up: after the last retry before the deadline, or because no attempt could be made. A
   * version that timed out may still have arrived; sending it again does no harm.
   *
   * @param cause what went wrong in the last attempt, or why there was none
   * @param attempts how many requests were sent for this version, or for one that it replaced while
   *     waiting; 0 or more
   * @param reason the cause in English
   */
  record Failed(Cause cause, int attempts, String reason) implements Verdict {
    @Override
    public Type type() {
      return Type.FAILED;
    }
  }

  /** The checks an endpoint must pass before anything is sent to it. */
  enum Check {
    /** Must be an absolute URL with a host, without user name, password or fragment. */
    URL,
    /** Must be {@code https}. */
    SCHEME,
    /** Must use port 443 or one that the builder allowed. */
    PORT,
    /** Every address its host has must be a public one. */
    ADDRESS,
    /** Must answer the request itself: redirects are not followed. */
    REDIRECT
  }

  /** Why a notification failed. */
  enum Cause {
    /** No address, no connection, or a connection that broke. */
    NETWORK,
    /** No complete answer in time. */
    TIMEOUT,
    /** No TLS connection: certificate, name or protocol version. */
    TLS,
    /** The push server asked for fewer requests (429). */
    BUSY,
    /** The push server could not serve the request (5xx, 408). */
    SERVER_ERROR,
    /** Too many endpoints were waiting in this notifier; nothing was sent. */
    FULL,
    /** The notifier was closed before there was a verdict. */
    CLOSED,
    /** The notifier itself failed, such as for want of memory; the log says how. */
    INTERNAL
  }
}
