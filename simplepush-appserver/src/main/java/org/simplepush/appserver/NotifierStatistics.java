package org.simplepush.appserver;

import java.time.Duration;
import org.simplepush.appserver.internal.send.SenderStatistics;

/**
 * What a {@link Notifier} has done since it was built. All but {@link #waiting}, {@link #onWire}
 * and {@link #hostsPaused} only grow. The numbers are of one moment.
 *
 * @since 0.1
 */
public final class NotifierStatistics {
  private final SenderStatistics numbers;

  NotifierStatistics(SenderStatistics numbers) {
    this.numbers = numbers;
  }

  /** Returns how many endpoints have a version on the wire or waiting for it. */
  public long waiting() {
    return numbers.waiting();
  }

  /** Returns how many requests are under way. */
  public long onWire() {
    return numbers.onWire();
  }

  /** Returns how many hosts are being left alone because they fail. */
  public long hostsPaused() {
    return numbers.hostsPaused();
  }

  /** Returns how many calls of {@code publish} there were, and endpoints of {@code publishAll}. */
  public long calls() {
    return numbers.calls();
  }

  /**
   * Returns how many calls caused no request of their own, because one that waited or was on the
   * wire is enough for them. These include calls that came while that request is retried.
   */
  public long collapsed() {
    return numbers.collapsed();
  }

  /** Returns how many requests were sent and have ended, retries included. */
  public long requests() {
    return numbers.requests();
  }

  /** Returns how many requests came after the first for a version. */
  public long retries() {
    return numbers.retries();
  }

  /** Returns how often a host was left alone because it failed even one request at a time. */
  public long hostPauses() {
    return numbers.hostPauses();
  }

  /** Returns how many calls had the verdict {@link Verdict.Accepted}. */
  public long accepted() {
    return numbers.outcomes().accepted();
  }

  /** Returns how many of {@link #accepted} were {@link Verdict.Accepted#stale stale}. */
  public long stale() {
    return numbers.outcomes().stale();
  }

  /** Returns how many calls had the verdict {@link Verdict.Gone}. */
  public long gone() {
    return numbers.outcomes().gone();
  }

  /** Returns how many calls had the verdict {@link Verdict.Rejected}. */
  public long rejected() {
    return numbers.outcomes().rejected();
  }

  /** Returns how many calls had the verdict {@link Verdict.Refused}. */
  public long refused() {
    return numbers.outcomes().refused();
  }

  /** Returns how many calls had the verdict {@link Verdict.Failed}. */
  public long failed() {
    return numbers.outcomes().failed();
  }

  /** Returns the time that all ended requests took together. */
  public Duration requestTime() {
    return numbers.requestTime();
  }

  /** Names every number. */
  @Override
  public String toString() {
    return "NotifierStatistics[waiting="
        + waiting()
        + ", onWire="
        + onWire()
        + ", hostsPaused="
        + hostsPaused()
        + ", calls="
        + calls()
        + ", collapsed="
        + collapsed()
        + ", requests="
        + requests()
        + ", retries="
        + retries()
        + ", hostPauses="
        + hostPauses()
        + ", accepted="
        + accepted()
        + ", stale="
        + stale()
        + ", gone="
        + gone()
        + ", rejected="
        + rejected()
        + ", refused="
        + refused()
        + ", failed="
        + failed()
        + ", requestTime="
        + requestTime()
        + "]";
  }
}
